# Writes power.json: the design of Interfant-06 (41% against 57% disease-free at 3 years) by the published formulas.
# Rscript power.R > power.json
p1 <- .41; p2 <- .57; za <- qnorm(.975); zb <- qnorm(.8); hr <- log(p2) / log(p1); th <- log(hr); pe <- 1 - (p1 + p2) / 2
schoenfeld <- 4 * (za + zb)^2 / th^2; freedman <- (za + zb)^2 * (1 + hr)^2 / (1 - hr)^2
l1 <- -log(p1) / 3; l2 <- -log(p2) / 3
# Probability of an event: exponential hazard l, uniform accrual over R, the last patient followed for F.
pev <- function(l, R, F) if (R == 0) 1 - exp(-l * F) else 1 - (exp(-l * F) - exp(-l * (R + F))) / (l * R)
lachin_foulkes <- function(R, F) {
  v <- function(l) l^2 / pev(l, R, F)
  2 * ((za * sqrt(2 * v((l1 + l2) / 2)) + zb * sqrt(v(l1) + v(l2))) / (l1 - l2))^2
}
pb <- (p1 + p2) / 2; v <- p1 * (1 - p1) + p2 * (1 - p2)
n0 <- (za * sqrt(2 * pb * (1 - pb)) + zb * sqrt(v))^2 / (p2 - p1)^2
pooled <- 2 * n0; continuity <- 2 * n0 / 4 * (1 + sqrt(1 + 4 / (n0 * abs(p2 - p1))))^2
unpooled <- 2 * (za + zb)^2 * v / (p2 - p1)^2; arcsine <- (za + zb)^2 / (asin(sqrt(p2)) - asin(sqrt(p1)))^2
js <- function(...) { x <- list(...); paste0("{", paste0('"', names(x), '": ', sapply(x, function(e) if (is.character(e)) e else sprintf("%.17g", e)), collapse = ", "), "}") }
grid <- expand.grid(R = c(0, 2, 3, 4, 5, 6), F = c(.5, 1, 2, 3))
rows <- mapply(function(R, F) { m <- (pev(l1, R, F) + pev(l2, R, F)) / 2
  js(R = R, F = F, schoenfeld = schoenfeld / m, freedman = freedman / m, lachin_foulkes = lachin_foulkes(R, F)) }, grid$R, grid$F)
powered <- function(N) { D <- N * pe
  js(events = D, schoenfeld = pnorm(sqrt(D / 4) * abs(th) - za) + pnorm(-sqrt(D / 4) * abs(th) - za),
     freedman = pnorm(sqrt(D) * abs(1 - hr) / (1 + hr) - za),
     prop_test = power.prop.test(n = N / 2, p1 = p1, p2 = p2, strict = TRUE)$power) }
cat(js(inputs = js(p_control = p1, p_exp = p2, hr = hr, log_hr = th, alpha = .05, power = .8, hazard = sprintf("[%.17g, %.17g]", l1, l2)),
  events = js(schoenfeld = schoenfeld, freedman = freedman),
  N_all_followed_3y = js(schoenfeld = schoenfeld / pe, freedman = freedman / pe),
  N_two_proportions_at_3y = js(pooled = pooled, continuity = continuity, unpooled = unpooled, arcsine = arcsine),
  accrual_grid = paste0("[\n", paste(rows, collapse = ",\n"), "]"),
  with_loss = js(freedman_5pct = freedman / pe / .95, freedman_7pct = freedman / pe / .93, proportions_5pct = pooled / .95, schoenfeld_10pct = schoenfeld / pe / .9),
  power_N280 = powered(280), power_N300 = powered(300), power_N320 = powered(320)), "\n")
