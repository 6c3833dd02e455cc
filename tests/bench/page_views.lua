-- For wrk: page views of new visitors, each with an address, a user agent and a click of its own, as the tag sends them.
-- Requests are written out whole and answers are not looked into: the client shares two cores with what it measures.
-- Whether each page view got a number is asked of the service's own counters afterwards.
local agents = {
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%03d.0.0.0 Safari/537.36",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 18_%03d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 15; Pixel %03d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
}
local body = '{"v":1,"tag":"key1","visitor":null,"session":null,"page":{"id":"p%08d","seq":1,"url":"https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=word%03d&gclid=g%08d","title":"Plumber"},"referrer":"https://www.google.com/","numbers":["+14155550100"],"visible":true,"consent":"granted","ids":{},"custom":{},"tz":"America/Chicago","lang":"en-US"}'
local length = #string.format(body, 0, 0, 0)
local templates = {}
for i, agent in ipairs(agents) do
  templates[i] = "POST /v1/lease HTTP/1.1\r\nHost: dni.example\r\nContent-Type: text/plain;charset=UTF-8\r\nOrigin: https://shop.example\r\nUser-Agent: "
    .. agent .. "\r\nX-Forwarded-For: 198.%d.%d.%d\r\nContent-Length: " .. length .. "\r\n\r\n" .. body
end
local floor = math.floor
local count = 0
function request()
  count = count + 1
  return string.format(templates[count % 3 + 1], count % 200, 18 + count % 2, floor(count / 250) % 250, count % 250,
    count, count % 1000, count)
end
function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('RESULT {"rate": %f, "p99_us": %d, "requests": %d, "wrong": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99), summary.requests, errors))
end
