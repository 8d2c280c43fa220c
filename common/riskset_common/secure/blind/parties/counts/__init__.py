"""The parties of the computation of counts: set-up, uploads as bits, checks site by site, waves."""
