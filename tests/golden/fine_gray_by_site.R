# Writes fine_gray_by_site.json: subdistribution hazards stratified by site (or group), the censoring distribution pooled or of each site.
# Rscript fine_gray_by_site.R > fine_gray_by_site.json, in this folder. The fits are at the maximum, not where R stops by default.
library(survival)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
d <- read.csv(file.path("data", "edge_cr.csv"))
d <- d[complete.cases(d[c("time", "cr", "x1", "x2", "g", "site")]), ]
d$status <- factor(d$cr, levels = 0:2)
d$id <- seq_len(nrow(d))
out <- list()
for (split in c("site", "g")) for (cause in 1:2) for (censoring in c("pooled", "strata")) {
  d$s <- d[[split]]
  columns <- d[c("time", "status", "x1", "x2", "s", "id")]
  w <- if (censoring == "pooled") finegray(Surv(time, status) ~ ., data = columns, etype = cause, id = id)
       else finegray(Surv(time, status) ~ . + strata(s), data = columns, etype = cause, id = id)
  for (ties in c("efron", "breslow")) {
    f <- coxph(Surv(fgstart, fgstop, fgstatus) ~ x1 + x2 + strata(s), data = w, weights = fgwt, cluster = id, ties = ties,
               control = tight)
    out[[paste(split, cause, censoring, ties)]] <- paste0(
      '{"n": ', nrow(d), ', "coef": ', js(coef(f)), ', "var": ', js(f$var), ', "naive_var": ', js(f$naive.var),
      ', "loglik": ', js(f$loglik), ', "score": ', sprintf("%.17g", f$score), ', "wald": ', sprintf("%.17g", f$wald.test), "}")
  }
}
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
