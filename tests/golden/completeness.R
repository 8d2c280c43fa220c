# Writes completeness.json: observed and potential person-time (Clark, Altman and De Stavola 2002), and who is at risk at the median of
# follow-up and its limits. Rscript completeness.R > completeness.json, in this folder. Closing times are made from the row's number.
library(survival)
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
read <- function(name, columns) {
  d <- read.csv(file.path("data", paste0(name, ".csv")), na.strings = "")
  d <- d[complete.cases(d[columns]), ]
  d$closing <- 250 + (seq_len(nrow(d)) * 131) %% 900
  d
}
answer <- function(time, event, entry, closing) {
  end <- pmin(time, closing)
  happened <- event & time <= closing
  observed <- pmax(end - entry, 0)
  potential <- ifelse(happened, observed, pmax(closing - entry, 0))
  fit <- if (all(entry == 0)) survfit(Surv(time, !event) ~ 1) else survfit(Surv(entry, time, !event) ~ 1)
  points <- unlist(quantile(fit, 0.5))
  risk <- sapply(points, function(t) summary(fit, times = t)$n.risk)
  paste0('{"n": ', length(time), ', "observed": ', sum(observed), ', "potential": ', sum(potential), ', "ratio": ',
         sprintf("%.17g", sum(observed) / sum(potential)), ', "incomplete": ', sum(observed < potential),
         ', "points": ', js(points), ', "at_risk": ', js(risk), ', "range": ', js(range(time[!event])), '}')
}
lung <- read("lung", c("time", "status", "site"))
late <- read("edge_left_trunc", c("time", "status", "entry", "site"))
cat('{\n"lung": ', answer(lung$time, lung$status == 2, rep(0, nrow(lung)), lung$closing), ',\n"late": ',
    answer(late$time, late$status == 1, late$entry, late$closing), "\n}\n", sep = "")
