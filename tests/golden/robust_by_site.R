# Writes robust_by_site.json: Cox models stratified by site with variances clustered by site, and by patient.
# Rscript robust_by_site.R > robust_by_site.json, in this folder. The fits are at the maximum, not where R stops by default.
library(survival)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
fitted <- function(formula, data, ties) {
  f <- coxph(formula, data = data, ties = ties, control = tight)
  paste0('{"n": ', f$n, ', "coef": ', js(coef(f)), ', "robust_var": ', js(f$var), ', "naive_var": ', js(f$naive.var),
         ', "wald": ', sprintf("%.17g", f$wald.test), '}')
}
read <- function(name, columns) { d <- read.csv(file.path("data", paste0(name, ".csv"))); d[complete.cases(d[columns]), ] }
lung <- read("lung", c("time", "status", "age", "sex", "site"))
rossi <- read("rossi", c("week", "arrest", "fin", "age", "prio", "site"))
lung$id <- seq_len(nrow(lung)); rossi$id <- seq_len(nrow(rossi))
out <- list()
for (ties in c("efron", "breslow")) {
  out[[paste0("lung_", ties)]] <- fitted(Surv(time, status == 2) ~ age + sex + strata(site) + cluster(site), lung, ties)
  out[[paste0("lung_", ties, "_patient")]] <- fitted(Surv(time, status == 2) ~ age + sex + strata(site) + cluster(id), lung, ties)
  out[[paste0("rossi_", ties, "_patient")]] <- fitted(Surv(week, arrest == 1) ~ fin + age + prio + strata(site) + cluster(id), rossi, ties)
  out[[paste0("rossi_", ties)]] <- fitted(Surv(week, arrest == 1) ~ fin + age + prio + strata(site) + cluster(site), rossi, ties)
}
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
