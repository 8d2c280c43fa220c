# Writes firth_by_site.json: Cox models stratified by site under Firth's penalty (Heinze and Schemper 2001), by R alone.
# Rscript firth_by_site.R > firth_by_site.json, in this folder.
# The penalised log-likelihood is written down risk set by risk set and maximised by steps of the inverse information, halved where
# it falls, then to rounding by Newton's method with central differences of the exact score.
js <- function(x) paste0("[", paste(sprintf("%.17g", x), collapse = ", "), "]")
sums <- function(beta, time, event, x, site, ties) {
  p <- ncol(x); l <- 0; u <- numeric(p); info <- matrix(0, p, p); third <- array(0, c(p, p, p))
  for (s in unique(site)) for (t in sort(unique(time[site == s & event]))) {
    risk <- which(site == s & time >= t); dead <- time[risk] == t & event[risk]; d <- sum(dead)
    l <- l + sum(x[risk[dead], , drop = FALSE] %*% beta); u <- u + colSums(x[risk[dead], , drop = FALSE])
    for (k in seq_len(d) - 1) {
      w <- exp(drop(x[risk, , drop = FALSE] %*% beta)) * ifelse(dead & ties == "efron", 1 - k / d, 1)
      m <- colSums(w * x[risk, , drop = FALSE]) / sum(w); z <- sweep(x[risk, , drop = FALSE], 2, m)
      l <- l - log(sum(w)); u <- u - m; info <- info + crossprod(z, w * z) / sum(w)
      for (r in seq_len(p)) third[, , r] <- third[, , r] + crossprod(z, w * z[, r] * z) / sum(w)
    }
  }
  inv <- solve(info)
  list(l = l + as.numeric(determinant(info)$modulus) / 2, u = u + sapply(seq_len(p), function(r) sum(inv * third[, , r]) / 2), inv = inv)
}
fit <- function(time, event, x, site, ties) {
  x <- as.matrix(x); f <- function(b) sums(b, time, event, x, site, ties); null <- rep(0, ncol(x)); scale <- apply(x, 2, sd)
  b <- null
  for (i in 1:60) {
    at <- f(b); step <- drop(at$inv %*% at$u)
    while (!isTRUE(f(b + step)$l >= at$l - 1e-10)) step <- step / 2
    b <- b + step
  }
  for (i in 1:6) {
    h <- 1e-5 / scale; D <- sapply(seq_along(b), function(j) { e <- replace(0 * b, j, h[j]); (f(b + e)$u - f(b - e)$u) / (2 * h[j]) })
    b <- b - solve(matrix(D, length(b)), f(b)$u)
  }
  found <- f(b)
  paste0('{"coef": ', js(b), ', "var": ', js(found$inv), ', "loglik": ', js(c(f(null)$l, found$l)), ', "score": ', js(found$u), "}")
}
rossi <- read.csv(file.path("data", "rossi.csv")); rossi <- rossi[rossi$site %in% unique(rossi$site)[1:4], ]
cr <- read.csv(file.path("data", "edge_cr.csv"))
# Nobody with rare = 1 has the event: the likelihood is monotone.
cr$rare <- as.numeric(cr$x2 == 1 & cr$cr != 1)
out <- list()
for (ties in c("efron", "breslow")) {
  out[[paste0("rossi_", ties)]] <- fit(rossi$week, rossi$arrest == 1, rossi[c("fin", "age", "prio")], rossi$site, ties)
  out[[paste0("monotone_", ties)]] <- fit(cr$time, cr$cr == 1, cr[c("x1", "rare")], cr$site, ties)
}
cat("{\n", paste0('"', names(out), '": ', out, collapse = ",\n"), "\n}\n", sep = "")
