-- What a page tells of its session after the lease: for the recorder, and late clicks for calls too.
--
-- KEYS  1 events   then of each pool in which the session may hold numbers: leases
-- ARGV  1 head, packed: the session, most events that may wait for the recorder
--       2 news: what the recorder will read, opaque
--       3 holdings that may be the session's, 16 bytes each   4 numbers that may be, a blank between two
--       then late paid clicks, the newest last: 8 bytes that stand for the click, its touch, opaque and without a NUL
-- Answers 1; or 0 when twice as many events wait: the recorder is not told, and the page must be.
-- Effects: one event; in the record of each number that is the session's now, late clicks behind the touch, each once,
--          whatever the recorder does: a call is credited from its record. Nothing else changes. O(1) a pool and target.
local MARK = 8
local TOUCH_MAX = 512

-- `about` with a late click: a NUL, mark and touch, the newest last. What is there already is not told again.
-- A session that has no touch here came before Redis was lost: how is in the ledger, and there the click will be too.
local function with_late(about, late)
  local tag = about:sub(1, 1 + about:byte())
  local touch = about:sub(#tag + 1)
  if touch == '' or touch:find('\0' .. late:sub(1, MARK), 1, true) then return about end
  -- Where there is no room, as in a touch that is too long: of older clicks the marks stay, then nothing of how it came.
  local room = math.max(0, TOUCH_MAX - 1 - #late)
  if #touch > room then touch = touch:gsub('(%z' .. ('.'):rep(MARK) .. ')%Z*', '%1') end
  if #touch > room then touch = touch:gsub('^%Z*', '') end
  if #touch > room then touch = touch:sub(#touch + 1 - (room - room % (1 + MARK))) end
  return tag .. touch .. '\0' .. late
end

local function news(KEYS, ARGV)
  local events = KEYS[1]
  local session, backlog = struct.unpack('>c18I4', ARGV[1])
  local holdings = {}
  for at = 1, #ARGV[3], 16 do holdings[#holdings + 1] = ARGV[3]:sub(at, at + 15) end
  for i = 2, #KEYS do
    local leases, numbers = KEYS[i], {}
    for number in ARGV[4]:gmatch('%S+') do numbers[number] = true end
    local held = #holdings > 0 and redis.call('HMGET', leases, unpack(holdings)) or {}
    for j = 1, #holdings do if held[j] then numbers[held[j]] = true end end
    for number in pairs(numbers) do
      local r = unpacked(redis.call('HGET', leases, number))
      if r and r[SESSION] == session then
        for j = 5, #ARGV do r[ABOUT] = with_late(r[ABOUT], ARGV[j]) end
        redis.call('HSET', leases, number, packed(r))
      end
    end
  end
  if redis.call('XLEN', events) >= 2 * backlog then return 0 end
  redis.call('XADD', events, '*', 'n', ARGV[2])
  return 1
end
