# Writes heterogeneity.json: a Cox model in each site, its effects pooled by inverse variances, Cochran's Q, I2 and tau2
# (DerSimonian and Laird), and the fixed effects of two groups of sites. Rscript heterogeneity.R > heterogeneity.json, in this folder.
library(survival)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100)
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
read <- function(name, columns) {
  d <- read.csv(file.path("data", paste0(name, ".csv")), na.strings = "")
  d[complete.cases(d[columns]), ]
}
own <- function(d, formula) {
  fits <- lapply(split(d, d$site), function(s) suppressWarnings(try(coxph(formula, s, ties = "efron", control = tight), silent = TRUE)))
  b <- sapply(fits, function(f) if (inherits(f, "try-error")) NA else coef(f)[1])
  v <- sapply(fits, function(f) if (inherits(f, "try-error")) NA else vcov(f)[1, 1])
  usable <- !is.na(b) & abs(b) < 10 & v > 0 & v < 1000
  list(b = b[usable], v = v[usable], site = names(fits)[usable])
}
pool <- function(b, v) { w <- 1 / v; c(sum(w * b) / sum(w), sqrt(1 / sum(w))) }
answer <- function(d, formula) {
  o <- own(d, formula); b <- o$b; v <- o$v; w <- 1 / v; k <- length(b)
  fixed <- pool(b, v)
  q <- sum(w * (b - fixed[1])^2)
  tau2 <- max(0, (q - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))
  group <- ifelse(as.integer(factor(o$site, levels = sort(unique(d$site)))) %% 2 == 1, "odd", "even")
  g <- lapply(c("odd", "even"), function(x) pool(b[group == x], v[group == x]))
  within <- sum(sapply(c("odd", "even"), function(x) { i <- group == x; sum(w[i] * (b[i] - pool(b[i], v[i])[1])^2) }))
  paste0('{"k": ', k, ', "fixed": ', js(fixed), ', "q": ', sprintf("%.17g", q), ', "p": ',
         sprintf("%.17g", pchisq(q, k - 1, lower.tail = FALSE)), ', "i2": ', sprintf("%.17g", max(0, (q - (k - 1)) / q)),
         ', "tau2": ', sprintf("%.17g", tau2), ', "random": ', js(pool(b, v + tau2)), ', "odd": ', js(g[[1]]), ', "even": ', js(g[[2]]),
         ', "sites": [', sum(group == "odd"), ", ", sum(group == "even"), '], "between": ', sprintf("%.17g", q - within), '}')
}
lung <- read("lung", c("time", "status", "age", "sex", "site"))
rossi <- read("rossi", c("week", "arrest", "fin", "age", "prio", "site"))
# An effect that is turned round in every second site, of three times as many patients.
turned <- lung[rep(seq_len(nrow(lung)), 3), ]
turned$sex <- ifelse(as.integer(factor(turned$site, levels = sort(unique(turned$site)))) %% 2 == 1, turned$sex, 3 - turned$sex)
cat('{\n"lung": ', answer(lung, Surv(time, status == 2) ~ sex + age), ',\n"rossi": ',
    answer(rossi, Surv(week, arrest == 1) ~ fin), ',\n"turned": ',
    answer(turned, Surv(time, status == 2) ~ sex + age), "\n}\n", sep = "")
