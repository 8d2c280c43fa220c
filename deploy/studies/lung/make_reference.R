#!/usr/bin/env Rscript
# What R says of the demonstration study: the numbers of reference.json, on the 227 pooled patients whose institution is known.
#   Rscript make_reference.R ../../../tests/golden/data/lung.csv > reference.json
# Each line is (analysis, quantity, value), so that a reader can compare them one by one. Written with R 4.2.2, survival 3.5-3.
suppressMessages(library(survival))
options(warn = 1, contrasts = c("contr.treatment", "contr.poly"))
d <- read.csv(commandArgs(trailingOnly = TRUE)[1])
d <- d[!is.na(d$inst), ]
d$weight_loss <- d$wt_loss
d$sex <- factor(d$sex, 1:2, c("male", "female"))
d$age_65 <- factor(ifelse(d$age < 65, "< 65", ">= 65"), c("< 65", ">= 65"))
d$ecog <- factor(d$ph_ecog, 0:3)
d$ecog_3 <- factor(ifelse(d$ph_ecog >= 2, "ECOG 2 to 3", paste("ECOG", d$ph_ecog)), paste("ECOG", c("0", "1", "2 to 3")))
S <- Surv(d$time, d$status == 2)
rows <- character()
put <- function(analysis, quantity, value)
  rows <<- c(rows, sprintf('  {"analysis": "%s", "quantity": "%s", "value": %s}', analysis, quantity,
                           ifelse(is.na(value), "null", sprintf("%.17g", value))))
curve <- function(analysis, fit, names, at) {
  q <- quantile(fit, 0.5)
  for (g in seq_along(names)) {
    label <- if (names[g] == "") "" else paste0(names[g], ", ")
    one <- if (length(names) > 1) fit[g] else fit
    put(analysis, paste0(label, "patients"), one$n)
    put(analysis, paste0(label, "deaths"), sum(one$n.event))
    put(analysis, paste0(label, "median"), as.vector(q$quantile)[g])
    put(analysis, paste0(label, "median, lower"), as.vector(q$lower)[g])
    put(analysis, paste0(label, "median, upper"), as.vector(q$upper)[g])
    for (t in at) {
      s <- summary(one, times = t, extend = TRUE)
      at_t <- paste0(label, "at ", t, ", ")
      put(analysis, paste0(at_t, "at risk"), s$n.risk)
      put(analysis, paste0(at_t, "survival"), s$surv)
      put(analysis, paste0(at_t, "SE"), s$std.err)
      put(analysis, paste0(at_t, "lower"), s$lower)
      put(analysis, paste0(at_t, "upper"), s$upper)
    }
  }
}
test <- function(analysis, x, df) {
  put(analysis, "log-rank chi-square", x$chisq)
  put(analysis, "log-rank P", pchisq(x$chisq, df, lower.tail = FALSE))
}
cox <- function(analysis, formula, ties = "efron") {
  f <- coxph(formula, d, ties = ties, control = coxph.control(eps = 1e-14, iter.max = 100))
  put(analysis, "patients", f$n)
  put(analysis, "deaths", f$nevent)
  se <- sqrt(diag(f$var))
  for (k in seq_along(coef(f))) {
    name <- sub("^(sex|ecog_3)", "\\1 = ", gsub(":(sex|ecog_3)", ":\\1 = ", names(coef(f))[k]))
    put(analysis, paste0(name, ", coefficient"), coef(f)[[k]])
    put(analysis, paste0(name, ", SE"), se[k])
    put(analysis, paste0(name, ", HR lower"), exp(coef(f)[[k]] - qnorm(0.975) * se[k]))
    put(analysis, paste0(name, ", HR upper"), exp(coef(f)[[k]] + qnorm(0.975) * se[k]))
    put(analysis, paste0(name, ", P"), 2 * pnorm(-abs(coef(f)[[k]] / se[k])))
  }
  put(analysis, "log-likelihood at 0", f$loglik[1])
  put(analysis, "log-likelihood", f$loglik[2])
  put(analysis, "Wald chi-square", f$wald.test)
  put(analysis, "score chi-square", f$score)
  put(analysis, "likelihood-ratio chi-square", 2 * diff(f$loglik))
}

f <- survfit(Surv(time, status == 1) ~ 1, d)
q <- quantile(f, 0.5)
put("followup", "median", q$quantile); put("followup", "lower", q$lower); put("followup", "upper", q$upper)
for (v in c("age_65", "ecog")) put("table1", paste0(v, " chi-square"), suppressWarnings(chisq.test(table(d[[v]], d$sex), correct = FALSE))$statistic)
for (v in c("age_65", "ecog")) for (l in levels(d[[v]])) for (s in levels(d$sex)) put("table1", paste0(v, " = ", l, ", ", s), sum(d[[v]] == l & d$sex == s, na.rm = TRUE))
for (s in levels(d$sex)) put("deaths", s, sum(d$sex == s & d$status == 2))
curve("os", survfit(S ~ 1), "", c(182, 365, 730))
curve("os_sex", survfit(S ~ sex, d), levels(d$sex), c(182, 365, 730)); test("os_sex", survdiff(S ~ sex, d), 1)
test("os_sex_by_site", survdiff(S ~ sex + strata(inst), d), 1)
curve("os_ecog", survfit(S ~ ecog_3, d), levels(d$ecog_3), c(182, 365)); test("os_ecog", survdiff(S ~ ecog_3, d), 2)
test("os_ecog_by_site", survdiff(S ~ ecog_3 + strata(inst), d), 2)
cox("cox", Surv(time, status == 2) ~ age + sex + ecog_3 + weight_loss + strata(inst))
cox("cox_interaction", Surv(time, status == 2) ~ sex * ecog_3 + strata(inst))
cat("[\n", paste(rows, collapse = ",\n"), "\n]\n", sep = "")
