#!/usr/bin/env Rscript
# What R says of the pooled patients of the synthetic Interfant-06 cohort: the numbers of golden.json.
#   Rscript make_golden.R pooled.csv > golden.json
# Derived variables and endpoints are made here from the raw columns, independently of the codebook's rules. Each line is the place of a
# number in results.json and its value. Curves, tests and models are those of survival (3.5-3, R 4.2.2); the standard error of a cumulative
# incidence (Aalen 1978) and Gray's test (Gray 1988) are written out below, because cmprsk is not part of R.
suppressMessages(library(survival))
options(warn = 1, contrasts = c("contr.treatment", "contr.poly"))
YEAR <- 365.25
d <- read.csv(commandArgs(trailingOnly = TRUE)[1], na.strings = "", stringsAsFactors = FALSE, check.names = FALSE)
for (v in c("diagnosis", "remission", "resistance", "randomised", "transplanted", "relapse", "smn", "death", "last_contact"))
  d[[v]] <- as.numeric(as.Date(d[[v]]))
out <- character()
put <- function(place, value)
  out <<- c(out, sprintf('  ["%s", %s]', place, if (length(value) == 0 || is.na(value)) "null" else sprintf("%.17g", value)))

# --- derived variables
cut_at <- function(x, at, labels) factor(labels[findInterval(x, at) + 1], labels)
d$region <- factor(ifelse(d$study_group %in% c("Adelaide", "Brno", "Gdansk", "Haifa", "Hongkong", "La Plata"), "Other", "Original"), c("Original", "Other"))
d$age_3 <- cut_at(d$age, c(3, 6, 9), c("0 to < 3", "3 to < 6", "6 to < 9", "9 to 12"))
d$age_6 <- factor(ifelse(d$age < 6, "< 6", ">= 6"), c(">= 6", "< 6"))
d$age_9 <- cut_at(d$age, 9, c("< 9", ">= 9"))
d$wbc_3 <- cut_at(d$wbc, c(100, 300), c("< 100", "100 to < 300", ">= 300"))
d$wbc_100 <- cut_at(d$wbc, 100, c("< 100", ">= 100"))
d$wbc_300 <- cut_at(d$wbc, 300, c("< 300", ">= 300"))
d$prednisone <- cut_at(d$blasts, 1000, c("Good", "Poor"))
immuno <- c("B-lineage CD10+", "B-lineage CD10-", "T-lineage or biphenotypic")
d$immunophenotype <- factor(ifelse(d$lineage %in% c("T", "biphenotypic"), immuno[3], ifelse(d$lineage == "B", immuno[match(d$cd10, c("positive", "negative"))], NA)), immuno)
for (v in list(c("sex", "male", "female"), c("lineage", "B", "T", "biphenotypic"), c("cd10", "positive", "negative"), c("cns", "not_involved", "involved"),
               c("kmt2a", "germline", "rearranged"), c("partner", "t411", "t1119", "t911", "other"), c("arm", "IB", "ADE_MAE"),
               c("arm_received", "IB", "ADE_MAE"), c("trial", "I06", "I99"), c("death_cause", "leukaemia", "infection", "other"),
               c("relapse_site", "bm", "cns", "testis", "bm_cns", "bm_testis", "other")))
  d[[v[1]]] <- factor(d[[v[1]]], v[-1])
pairs <- ifelse(d$partner %in% c("t411", "t1119"), "t(4;11) + t(11;19)", ifelse(is.na(d$partner), NA, "t(9;11) + other rearranged"))
d$kmt2a_table1 <- factor(ifelse(d$kmt2a == "germline", "Germline", pairs), c("Germline", "t(4;11) + t(11;19)", "t(9;11) + other rearranged"))
d$kmt2a_table2 <- factor(ifelse(d$kmt2a == "rearranged", pairs, NA), c("t(9;11) + other rearranged", "t(4;11) + t(11;19)"))
# High risk if young and either many cells or a poor response; & and | of R leave open what a missing value could decide.
high <- d$age < 6 & (d$wbc >= 300 | d$prednisone == "Poor")
ruled <- ifelse(d$kmt2a == "germline", "LR", ifelse(high, "HR", "MR"))
d$risk <- factor(ifelse(is.na(ruled), d$risk_recorded, ruled), c("LR", "MR", "HR"))
never <- function(x) ifelse(is.na(x), Inf, x)
reached <- !is.na(d$remission)
d$sct <- factor(ifelse(!is.na(d$transplanted) & reached & d$transplanted < never(d$relapse), "SCT", "No SCT"), c("SCT", "No SCT"))
d$sct_period <- cut_at(d$transplanted, as.numeric(as.Date("2012-01-01")), c("2006 to 2011", "2012 to 2017"))
d$vital <- factor(ifelse(is.na(d$death), "Alive", "Dead"), c("Dead", "Alive"))

# --- endpoints: the first of several dates, those that stand first before others on the same day
first_of <- function(origin, dates, stop = NULL) {
  m <- sapply(dates, never)
  code <- max.col(-m, ties.method = "first"); day <- m[cbind(seq_len(nrow(m)), code)]
  code[!is.finite(day)] <- 0
  last <- d$last_contact
  if (!is.null(stop)) { last <- pmin(last, never(stop)); code[day > never(stop)] <- 0 }
  list(time = ifelse(code > 0, day, last) - origin, event = ifelse(is.na(origin), NA, code))
}
early <- ifelse(!is.na(d$death) & !(reached & d$remission <= d$death), d$death, NA)
late <- ifelse(!is.na(d$death) & reached & d$remission <= d$death, d$death, NA)
EFS <- first_of(d$diagnosis, list(early, d$resistance, d$relapse, late, d$smn))
efs_names <- c("death_in_induction", "resistance", "relapse", "death_in_remission", "second_malignancy")
dfs_names <- c("relapse", "death_in_remission", "second_malignancy")
OS <- first_of(d$diagnosis, list(d$death))
DFS <- first_of(d$randomised, list(d$relapse, d$death, d$smn))
OSR <- first_of(d$randomised, list(d$death))
DFSC <- first_of(d$randomised, list(d$relapse, d$death, d$smn), d$transplanted)
DFSS <- first_of(d$transplanted, list(d$relapse, d$death, d$smn))
for (e in c("EFS", "OS", "DFS", "OSR", "DFSC", "DFSS")) { d[[paste0(e, "_t")]] <- get(e)$time; d[[paste0(e, "_e")]] <- get(e)$event }
d$sct_course <- factor(ifelse(d$sct == "SCT", "SCT", ifelse(d$EFS_e >= 3, "Event without SCT", ifelse(d$EFS_e == 0, "Neither", NA))), c("SCT", "Event without SCT", "Neither"))
trial <- d$trial == "I06"
is <- function(x) !is.na(x) & x
rearranged <- trial & is(d$kmt2a == "rearranged")
randomised <- trial & !is.na(d$arm)

# --- curves and tests
curves <- function(id, e, where, by = NULL, at = numeric(), test = !is.null(by), groups = paste0(id, ".groups"), place = id) {
  x <- d[where, ]; x$t <- x[[paste0(e, "_t")]]; x$s <- x[[paste0(e, "_e")]] > 0
  x <- x[!is.na(x$t) & !is.na(x$s), ]
  if (!is.null(by)) x <- x[!is.na(x[[by]]), ]
  for (l in if (is.null(by)) "" else levels(droplevels(x[[by]]))) {
    one <- if (is.null(by)) x else x[x[[by]] == l, ]
    f <- survfit(Surv(t, s) ~ 1, one, conf.type = "log-log")
    g <- if (is.null(by)) paste0(groups, "[]") else paste0(groups, "[level.", by, "=", l, "]")
    put(paste0(g, ".n"), nrow(one)); put(paste0(g, ".events"), sum(one$s))
    q <- quantile(f, 0.5)
    put(paste0(g, ".median.estimate"), q$quantile / YEAR); put(paste0(g, ".median.lower"), q$lower / YEAR); put(paste0(g, ".median.upper"), q$upper / YEAR)
    for (h in at) {
      s <- summary(f, times = h * YEAR, extend = TRUE); p <- paste0(g, ".at[time=", h, "].")
      put(paste0(p, "at_risk"), sum(one$t >= h * YEAR)); put(paste0(p, "events_to"), sum(one$s & one$t <= h * YEAR))
      put(paste0(p, "survival"), s$surv); put(paste0(p, "std_err"), s$std.err)
      # Where S = 1 survival 3.5 leaves the log-log limits undefined; from 3.8 on they are 1.
      put(paste0(p, "lower"), if (s$surv == 1) 1 else s$lower); put(paste0(p, "upper"), if (s$surv == 1) 1 else s$upper)
    }
  }
  if (test) {
    r <- survdiff(as.formula(paste("Surv(t, s) ~", by)), x)
    put(paste0(place, ".test.statistic"), r$chisq)
    put(paste0(place, ".test.p_value"), pchisq(r$chisq, length(r$n) - 1, lower.tail = FALSE))
  }
}
followup <- function(id, e, where) {
  x <- d[where, ]
  q <- quantile(survfit(Surv(x[[paste0(e, "_t")]], x[[paste0(e, "_e")]] == 0) ~ 1, conf.type = "log-log"), 0.5)
  put(paste0(id, ".median"), q$quantile / YEAR); put(paste0(id, ".lower"), q$lower / YEAR); put(paste0(id, ".upper"), q$upper / YEAR)
}

# --- tables
table_of <- function(id, where, rows, by = NULL, test = FALSE) {
  x <- d[where, ]
  put(paste0(id, ".n"), nrow(x))
  for (v in rows) {
    for (l in levels(x[[v]])) {
      row <- paste0(id, ".rows[variable=", v, ",level=", l, "].")
      put(paste0(row, "total"), sum(x[[v]] == l, na.rm = TRUE))
      put(paste0(row, "total_percent"), 100 * sum(x[[v]] == l, na.rm = TRUE) / sum(!is.na(x[[v]])))
      for (b in if (is.null(by)) character() else levels(x[[by]]))
        put(paste0(row, "counts[@", b, "]"), sum(x[[v]] == l & x[[by]] == b, na.rm = TRUE))
    }
    if (test) {
      k <- table(droplevels(x[[v]]), x[[by]]); k <- k[, colSums(k) > 0, drop = FALSE]
      r <- if (nrow(k) > 1 && ncol(k) > 1) suppressWarnings(chisq.test(k, correct = FALSE)) else list(statistic = 0, p.value = 1)
      put(paste0(id, ".tests.", v, ".statistic"), r$statistic); put(paste0(id, ".tests.", v, ".p_value"), r$p.value)
    }
  }
}
events_of <- function(id, e, where, names, by) {
  x <- d[where & !is.na(d[[by]]) & !is.na(d[[paste0(e, "_e")]]), ]
  for (k in seq_along(names)) for (b in levels(x[[by]])) {
    n <- sum(x[[by]] == b); hit <- sum(x[[paste0(e, "_e")]] == k & x[[by]] == b)
    put(paste0(id, ".rows[event=", names[k], "].counts[@", b, "]"), hit)
    put(paste0(id, ".rows[event=", names[k], "].percent[@", b, "]"), 100 * hit / n)
  }
}

# --- models: Breslow's ties, as under conventions: sas
cox <- function(id, e, where, terms, strata = NULL, interaction = NULL) {
  x <- d[where, ]; x$t <- x[[paste0(e, "_t")]]; x$s <- x[[paste0(e, "_e")]] > 0
  x <- x[complete.cases(x[, c("t", "s", terms)]), ]
  right <- if (is.null(interaction)) paste(terms, collapse = " + ") else paste(terms, collapse = " * ")
  if (!is.null(strata)) right <- paste0(right, " + strata(", strata, ")")
  f <- coxph(as.formula(paste("Surv(t, s) ~", right)), x, ties = "breslow", control = coxph.control(eps = 1e-14, iter.max = 100))
  put(paste0(id, ".n"), f$n); put(paste0(id, ".events"), f$nevent)
  b <- coef(f); se <- sqrt(diag(f$var)); k <- 0
  row <- function(term, level) {
    k <<- k + 1; p <- paste0(id, ".terms[term=", term, ",level=", level, "].")
    put(paste0(p, "coef"), b[[k]]); put(paste0(p, "std_err"), se[k]); put(paste0(p, "hazard_ratio"), exp(b[[k]]))
    put(paste0(p, "lower"), exp(b[[k]] - qnorm(0.975) * se[k])); put(paste0(p, "upper"), exp(b[[k]] + qnorm(0.975) * se[k]))
    put(paste0(p, "p_value"), 2 * pnorm(-abs(b[[k]] / se[k])))
  }
  for (v in terms) for (l in levels(x[[v]])[-1]) row(v, l)
  if (!is.null(interaction)) row(paste(terms, collapse = ":"), paste(levels(x[[terms[1]]])[2], levels(x[[terms[2]]])[2], sep = ":"))
  put(paste0(id, ".log_likelihood.null"), f$loglik[1]); put(paste0(id, ".log_likelihood.fitted"), f$loglik[2])
  put(paste0(id, ".tests.wald.statistic"), f$wald.test); put(paste0(id, ".tests.score.statistic"), f$score)
  put(paste0(id, ".tests.likelihood_ratio.statistic"), 2 * diff(f$loglik))
}

# --- competing risks
ties_of <- function(m, n) ifelse(m > 1 & n > 1, (n - m) / (n - 1), 1)
risk_rows <- function(t, e, k, at) list(n = sapply(at, function(u) sum(t >= u)), d1 = sapply(at, function(u) sum(t == u & e == k)),
                                        d2 = sapply(at, function(u) sum(t == u & e > 0 & e != k)))
incidence <- function(t, e, k, h) {
  at <- sort(unique(t[e > 0 & t <= h])); r <- risk_rows(t, e, k, at); d_all <- r$d1 + r$d2
  free <- c(1, cumprod(1 - d_all / r$n))[seq_along(at)]
  F <- cumsum(free * r$d1 / r$n); final <- F[length(F)]
  left <- 1 - d_all / r$n; G <- ifelse(left > 0, (final - F) / left, 0)
  v <- function(m) m / r$n^2 * ties_of(m, r$n)
  c(final, sqrt(sum((free - G)^2 * v(r$d1) + G^2 * v(r$d2))))
}
gray <- function(t, e, g, k) {
  at <- sort(unique(t[e > 0])); K <- nlevels(g)
  r <- lapply(levels(g), function(l) risk_rows(t[g == l], e[g == l], k, at))
  lagged <- function(x, first) c(first, x)[seq_along(x)]
  per <- lapply(r, function(x) {
    n <- pmax(x$n, 1); S <- cumprod(1 - (x$d1 + x$d2) / n); Sm <- lagged(S, 1); F <- cumsum(Sm * x$d1 / n)
    list(S = S, Sm = Sm, h = ifelse(x$n > 0, x$n / Sm, 0), R = ifelse(x$n > 0, x$n / Sm, 0) * (1 - lagged(F, 0)))
  })
  h <- sapply(per, `[[`, "h"); H <- rowSums(h); m <- rowSums(sapply(r, `[[`, "d1")); dF0 <- ifelse(H > 0, m / H, 0)
  one_F0 <- 1 - cumsum(dF0); one_F0m <- lagged(one_F0, 1)
  R <- sapply(per, `[[`, "R"); share <- R / rowSums(R)
  score <- sapply(seq_len(K), function(j) sum(r[[j]]$d1 - ifelse(rowSums(R) > 0, share[, j], 0) * m))
  V <- matrix(0, K, K)
  for (j in seq_len(K)) {
    now <- sapply(seq_len(K), function(a) h[, a] * ((a == j) - ifelse(H > 0, h[, j] / H, 0)))
    later <- apply(now * dF0 / one_F0m, 2, function(x) rev(cumsum(rev(x))) - x)
    S <- per[[j]]$S; Sm <- per[[j]]$Sm; hj <- per[[j]]$h; n <- r[[j]]$n
    q <- ifelse(S > 0, one_F0 / S, 0)
    a <- now + (1 - q) * later; b <- q * later
    va <- ifelse(hj > 0, dF0 / hj * ties_of(m, Sm * H), 0)
    vb <- ifelse(hj > 0, Sm * r[[j]]$d2 / n / hj * ties_of(r[[j]]$d2, n), 0)
    V <- V + t(a) %*% (a * va) + t(b) %*% (b * vb)
  }
  s <- score[-1]; drop(s %*% solve(V[-1, -1], s))
}
competing <- function(id, e, where, by, names, at) {
  x <- d[where, ]; t <- x[[paste0(e, "_t")]]; s <- x[[paste0(e, "_e")]]; g <- x[[by]]
  for (k in seq_along(names)) {
    for (l in levels(g)) for (h in at) {
      f <- incidence(t[g == l], s[g == l], k, h * YEAR); p <- paste0(id, ".groups[level.", by, "=", l, "].causes.", names[k], ".at[time=", h, "].")
      put(paste0(p, "incidence"), f[1]); put(paste0(p, "std_err"), f[2])
    }
    stat <- gray(t, s, g, k)
    put(paste0(id, ".tests.", names[k], ".statistic"), stat)
    put(paste0(id, ".tests.", names[k], ".p_value"), pchisq(stat, nlevels(g) - 1, lower.tail = FALSE))
  }
}

# --- the plan
followup("followup", "OS", trial)
patients <- c("sex", "age_3", "wbc_3", "lineage", "immunophenotype", "cns", "kmt2a", "prednisone")
table_of("patients_by_risk", trial, patients, "risk", TRUE)
table_of("wbc_100", trial, "wbc_100")
table_of("cd10_known", trial & is(d$lineage == "B") & !is.na(d$cd10), "cd10")
table_of("cns_known", trial & !is.na(d$cns), "cns")
table_of("kmt2a_known", trial & !is.na(d$kmt2a), "kmt2a")
table_of("partners_by_risk", rearranged, "partner", "risk")
table_of("patients_by_region", trial, c("risk", "sex", "age_3", "wbc_3", "kmt2a", "prednisone"), "region", TRUE)
events_of("events_by_risk", "EFS", trial, efs_names, "risk")
events_of("events_by_region", "EFS", trial, efs_names, "region")
table_of("relapses", trial & d$EFS_e == 3, "relapse_site")
table_of("deaths_in_remission", trial & d$EFS_e == 4, c("death_cause", "sct"))
table_of("resistant", trial & d$EFS_e == 2, "vital")
curves("efs", "EFS", trial, at = 6); curves("os", "OS", trial, at = 6)
for (e in c("EFS", "OS")) {
  id <- tolower(e)
  curves(paste0(id, "_risk"), e, trial, "risk", 6)
  curves(paste0(id, "_risk_original"), e, trial & d$region == "Original", "risk", 6)
  curves(paste0(id, "_risk_other"), e, trial & d$region == "Other", "risk", 6)
  curves(paste0(id, "_region"), e, trial, "region", 6)
  curves(paste0(id, "_trial_original"), e, d$region == "Original", "trial", 6)
  curves(paste0(id, "_trial_other"), e, d$region == "Other", "trial", 6)
}
curves("efs_lineage", "EFS", trial, "lineage", 4)
curves("efs_partner", "EFS", rearranged, "partner", 6)
curves("efs_rearranged_9", "EFS", rearranged & d$age >= 9, at = 6)
for (v in c("kmt2a", "age_3", "wbc_3", "immunophenotype", "prednisone", "sex")) {
  place <- paste0("efs_factors.factors[factor=", v, "].curves")
  curves("efs_factors", "EFS", trial, v, 6, groups = paste0(place, ".groups"), place = place)
}
cox("cox_all", "EFS", trial, c("kmt2a_table1", "age_6", "wbc_300", "prednisone", "immunophenotype", "sex"))
cox("cox_rearranged", "EFS", rearranged, c("kmt2a_table2", "age_6", "wbc_300", "prednisone", "immunophenotype", "sex"))
table_of("patients_by_arm", randomised, c("risk", "sex", "age_3", "wbc_3", "immunophenotype", "cns", "prednisone"), "arm", TRUE)
events_of("events_by_arm", "DFS", randomised, dfs_names, "arm")
competing("incidence_arm", "DFS", randomised, "arm", dfs_names[1:2], 6)
curves("dfs_arm", "DFS", randomised, "arm", c(3, 6)); curves("os_arm", "OSR", randomised, "arm", 6)
curves("dfs_arm_mr", "DFS", randomised & d$risk == "MR", "arm", 6); curves("dfs_arm_hr", "DFS", randomised & d$risk == "HR", "arm", 4)
treated <- randomised & !is.na(d$arm_received)
curves("dfs_as_treated", "DFS", treated, "arm_received", 6); curves("dfs_until_sct", "DFSC", randomised, "arm", 6)
cox("cox_arm", "DFS", randomised, "arm", "study_group")
cox("cox_as_treated", "DFS", treated, "arm_received", "study_group")
cox("cox_until_sct", "DFSC", randomised, "arm", "study_group")
cox("cox_arm_region", "DFS", randomised, c("arm", "region"), interaction = TRUE)
table_of("sct_by_risk", trial & reached, c("sct", "sct_course"), "risk")
table_of("sct_by_region", trial & reached, "sct", "region")
mrd <- trial & is(d$risk == "MR") & is(d$mrd == "high")
table_of("sct_of_mrd", mrd, "sct")
transplanted <- trial & d$sct == "SCT"
events_of("events_after_sct", "DFSS", transplanted, dfs_names, "risk")
events_of("events_after_sct_by_period", "DFSS", transplanted, dfs_names, "sct_period")
curves("dfs_after_sct", "DFSS", transplanted, "risk", 4, test = FALSE)
curves("dfs_after_sct_mrd", "DFSS", mrd & d$sct == "SCT", at = 4)
cat("[\n", paste(out, collapse = ",\n"), "\n]\n", sep = "")
