# Writes time_dependent.json: Cox models with an exposure that begins during follow-up, rows split by tmerge; stratified by site, and
# unstratified; and cox.zph of them (chi-square of each term and of all) for every transform of time. cox.zph ranks rows, so that its "rank"
# depends on how patients were split; rank_of_patients is by the times at which patients were seen last, whatever their rows.
# Rscript time_dependent.R > time_dependent.json, in this folder. The fits are at the maximum, not where R stops by default.
library(survival)
tight <- suppressWarnings(coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 100))
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
tests <- function(f, data) {
  last <- tapply(data$tstop, data$id, max)
  of_patients <- function(t) sapply(t, function(each) sum(last < each) + (sum(last == each) + 1) / 2)
  by <- list(km = "km", identity = "identity", log = "log", rank_of_patients = of_patients, rank_of_rows = "rank")
  found <- sapply(names(by), function(name) paste0('"', name, '": ', js(cox.zph(f, transform = by[[name]])$table[, "chisq"])))
  paste0("{", paste(found, collapse = ", "), "}")
}
fitted <- function(formula, data, ties) {
  f <- coxph(formula, data = data, ties = ties, control = tight, model = TRUE)
  paste0('{"rows": ', f$n, ', "events": ', f$nevent, ', "coef": ', js(coef(f)), ', "var": ', js(vcov(f)),
         ', "loglik": ', js(f$loglik), ', "score": ', sprintf("%.17g", f$score), ', "zph": ', tests(f, data), '}')
}
read <- function(name, columns) {
  d <- read.csv(file.path("data", paste0(name, ".csv")), na.strings = "")
  d <- d[complete.cases(d[columns]), ]
  d$id <- seq_len(nrow(d))
  d
}
# Stanford heart transplant programme: who died on the day of entry is at risk on no day of a model with rows of (start, stop].
jasa <- subset(read("stanford_heart", c("futime", "fustat", "age", "surgery", "site")), futime > 0)
jasa <- tmerge(jasa, jasa, id = id, death = event(futime, fustat), transplanted = tdc(wait_time))
# Made: entry during follow-up, an exposure of every third patient at a time that follows from the row's number; some lie
# before entry, on the day of the event, or after it.
late <- read("edge_left_trunc", c("time", "status", "x1", "entry", "site"))
late$exposed_at <- ifelse(late$id %% 3 == 0, (late$id * 37) %% 200, NA)
late$exposed_at[late$id %% 12 == 0] <- late$time[late$id %% 12 == 0]
late <- tmerge(late, late, id = id, tstart = entry, tstop = time, death = event(time, status), exposed = tdc(exposed_at))
out <- list()
for (ties in c("efron", "breslow")) {
  out[[paste0("jasa_", ties)]] <- fitted(Surv(tstart, tstop, death) ~ transplanted + age + surgery + strata(site), jasa, ties)
  out[[paste0("jasa_interaction_", ties)]] <-
    fitted(Surv(tstart, tstop, death) ~ transplanted + surgery + transplanted:surgery + strata(site), jasa, ties)
  out[[paste0("late_", ties)]] <- fitted(Surv(tstart, tstop, death) ~ exposed + x1 + strata(site), late, ties)
  out[[paste0("jasa_unstratified_", ties)]] <- fitted(Surv(tstart, tstop, death) ~ transplanted + age + surgery, jasa, ties)
  out[[paste0("late_unstratified_", ties)]] <- fitted(Surv(tstart, tstop, death) ~ exposed + x1, late, ties)
}
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
