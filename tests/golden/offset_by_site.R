# Writes offset_by_site.json: Cox models stratified by site with an offset.
# Rscript offset_by_site.R > offset_by_site.json, in this folder. The fits are at the maximum, not where R stops by default.
library(survival)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
d <- read.csv(file.path("data", "lung.csv"))
d <- d[complete.cases(d[c("time", "status", "age", "sex", "ph_karno", "site")]), ]
out <- list()
for (ties in c("efron", "breslow")) {
  f <- coxph(Surv(time, status == 2) ~ age + sex + offset(-ph_karno / 8) + strata(site), data = d, ties = ties, control = tight)
  out[[ties]] <- paste0('{"n": ', f$n, ', "coef": ', js(coef(f)), ', "var": ', js(f$var), ', "loglik": ', js(f$loglik),
                        ', "score": ', sprintf("%.17g", f$score), "}")
}
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
