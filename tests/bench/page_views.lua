-- For wrk: page views of new visitors, each with an address and a user agent of a wide set, as the tag sends them.
local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%d.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 15; Pixel %d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
}
local count = 0
function request()
  count = count + 1
  local headers = {
    ["Content-Type"] = "text/plain;charset=UTF-8",
    ["Origin"] = "https://shop.example",
    ["User-Agent"] = string.format(agents[count % 3 + 1], count % 200),
    ["X-Forwarded-For"] = string.format("198.%d.%d.%d", 18 + count % 2, math.floor(count / 250) % 250, count % 250),
  }
  local body = string.format(
    '{"v":1,"tag":"key1","visitor":null,"session":null,"page":{"id":"p%d","seq":1,"url":"https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=word%d&gclid=g%d","title":"Plumber"},"referrer":"https://www.google.com/","numbers":["+14155550100"],"visible":true,"consent":"granted","ids":{},"custom":{},"tz":"America/Chicago","lang":"en-US"}',
    count, count % 1000, count)
  return wrk.format("POST", "/v1/lease", headers, body)
end

wrong = 0
function response(status, headers, body)
  if status ~= 200 or not body:find('"kind":"pool"', 1, true) then wrong = wrong + 1 end
end
local threads = {}
function setup(thread) threads[#threads + 1] = thread end
function done(summary, latency)
  local bad = 0
  for _, thread in ipairs(threads) do bad = bad + (thread:get("wrong") or 0) end
  io.write(string.format('RESULT {"rate": %f, "p99_us": %d, "wrong": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99), bad))
end
