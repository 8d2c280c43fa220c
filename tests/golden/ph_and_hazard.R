# Writes ph_and_hazard.json: cox.zph against every transform of time, and cumulative baseline hazards with their standard errors.
# Rscript ph_and_hazard.R > ph_and_hazard.json, in this folder. Fits are at the maximum, not where R stops by default.
# "months" is lung in whole months, where most deaths are tied, "strata" is lung with strata of sex. "performance" is ph_ecog, at most 2.
# As in the lung study, the patient of an unknown site is left out.
library(survival)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
numbers <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
read <- function(name, columns) { d <- read.csv(file.path("data", paste0(name, ".csv"))); d[complete.cases(d[columns]), ] }
lung <- transform(read("lung", c("time", "status", "age", "sex", "ph_ecog", "site")), performance = pmin(ph_ecog, 2))
months <- transform(lung, time = ceiling(time / 30))
rossi <- read("rossi", c("week", "arrest", "fin", "age", "prio"))
truncated <- read("edge_left_trunc", c("entry", "time", "status", "x1", "x2"))
man <- data.frame(age = 60, sex = 1, performance = 1)
cases <- list(
  lung = list(Surv(time, status == 2) ~ age + sex + factor(performance), lung, man, c(100, 300, 600)),
  months = list(Surv(time, status == 2) ~ age + sex + factor(performance), months, man, c(10, 22)),
  strata = list(Surv(time, status == 2) ~ age + factor(performance) + strata(sex), lung, rbind(man, transform(man, sex = 2)), c(350)),
  rossi = list(Surv(week, arrest == 1) ~ fin + age + prio, rossi, data.frame(fin = 0, age = 25, prio = 0), c(20, 40, 52)),
  truncated = list(Surv(entry, time, status == 1) ~ x1 + x2, truncated, data.frame(x1 = 0, x2 = 0), c(100, 200, 500)))
written <- function(case, ties) {
  fit <- do.call(coxph, list(case[[1]], data = case[[2]], ties = ties, control = tight))
  tests <- sapply(c("km", "rank", "identity", "log"), function(transform) {
    z <- cox.zph(fit, transform)$table
    sprintf('"%s": {"chi_square": %s, "df": %s, "p": %s}', transform, numbers(z[, 1]), numbers(z[, 2]), numbers(z[, 3]))
  })
  hazards <- sapply(seq_len(nrow(case[[3]])), function(row) {
    curve <- survfit(fit, newdata = case[[3]][row, ])
    at <- findInterval(case[[4]], curve$time)
    sprintf('{"cumulative": %s, "std_err": %s}', numbers(curve$cumhaz[at]), numbers(curve$std.chaz[at]))
  })
  sprintf('{"n": %d, "times": %s, "ph_test": {%s}, "hazard": [%s]}', fit$n, numbers(case[[4]]), paste(tests, collapse = ", "), paste(hazards, collapse = ", "))
}
out <- list()
for (name in names(cases)) for (ties in c("efron", "breslow")) out[[paste0(name, "/", ties)]] <- written(cases[[name]], ties)
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
