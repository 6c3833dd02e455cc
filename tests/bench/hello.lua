-- For wrk: a plain GET; tells its result as the page views do.
function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('RESULT {"rate": %f, "p99_us": %d, "requests": %d, "wrong": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99), summary.requests, errors))
end
