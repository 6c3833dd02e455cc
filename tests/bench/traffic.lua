-- For wrk: what pages send. Arguments: a Lua file that returns visitors who were here before (ids and lease as the service
-- gave them), how many signals come with each page view, and how many milliseconds each connection waits on average before
-- it asks again, as visitors who do not know of each other (none: as fast as answers come).
--
-- Every other page view is of a new visitor, with an address, a user agent and a click of its own; the others are of
-- visitors who come back. Answers are not looked into: the client shares two cores with what it measures. Whether each page view got a number is asked of the service's own counters afterwards.
local agents = {
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%03d.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_%03d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel %03d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
}
local page_view = '{"v":1,"tag":"key1","visitor":%s,"session":%s,"page":{"id":"p%08d","seq":1,"url":"https://shop.example/?utm_source=google&utm_medium=cpc&utm_campaign=spring&utm_term=word%03d&gclid=g%08d","title":"Plumber"},"referrer":"https://www.google.com/","numbers":["+14155550100"],"visible":true,"consent":"granted","ids":{},"custom":{},"tz":"America/Chicago","lang":"en-US"}'
local beat = '{"v":1,"tag":"key1","visitor":"%s","session":"%s","signals":[{"type":"beat","lease":"%s","ago_ms":0}],"page":{"id":"page","seq":2,"url":"https://shop.example/","found":2,"swapped":2,"reverted":0,"version":"0.1.0","beat_ms":120000}}'
local head = 'POST /v1/%s HTTP/1.1\r\nHost: dni.example\r\nContent-Type: text/plain;charset=UTF-8\r\nOrigin: https://shop.example\r\nUser-Agent: %s\r\nX-Forwarded-For: 198.%d.%d.%d\r\nContent-Length: %d\r\n\r\n%s'
local floor = math.floor

local function post(path, who, body)
  local agent = string.format(agents[who % 3 + 1], who % 200)
  return string.format(head, path, agent, 18 + floor(who / 62500) % 2, floor(who / 250) % 250, who % 250, #body, body)
end

-- Made before the clock runs, and sent round and round.
local requests = {}
function init(arguments)
  local visitors, signals = dofile(arguments[1]), tonumber(arguments[2])
  local pause = tonumber(arguments[3])
  if pause then
    delay = function() return floor(0.5 - pause * math.log(1 - math.random())) end
  end
  local views = 0
  for count = 1, 22000 do
    local known = visitors[count % #visitors + 1]
    if count % (signals + 1) ~= 0 then
      requests[count] = post('signal', count % #visitors, string.format(beat, known[1], known[2], known[3]))
    else
      views = views + 1
      local who, visitor, session, click = #visitors + views, 'null', 'null', views
      if views % 2 == 0 then
        who, visitor, session, click = count % #visitors, '"' .. known[1] .. '"', '"' .. known[2] .. '"', 1
      end
      requests[count] = post('lease', who, string.format(page_view, visitor, session, views, views % 1000, click))
    end
  end
end

local count = 0
function request()
  count = count % #requests + 1
  return requests[count]
end

function done(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  io.write(string.format('RESULT {"rate": %f, "p99_us": %d, "requests": %d, "wrong": %d}\n',
    summary.requests / summary.duration * 1e6, latency:percentile(99), summary.requests, errors))
end
