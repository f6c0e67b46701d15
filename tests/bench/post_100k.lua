-- wrk: POST of a 100 KB body.
wrk.method = "POST"
wrk.body = string.rep("x", 100000)
