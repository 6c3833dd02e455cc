-- What a page tells of its session after the lease: for the recorder, and a late click for calls too.
--
-- KEYS  1 events   then for each lease: leases
-- ARGV  1 head, packed: the session, most events that may wait for the recorder
--       2 news: what the recorder will read, opaque
--       3 late: the touch of a paid click, opaque and without a NUL; '' for none
--       then for each lease, packed: nonce, number
-- Answers 1; or 0 when twice as many events wait: the recorder is not told, as with signals.
-- Effects: one event; in the record of each lease that is its number's current one and of this session, the late click
--          behind the touch, in place of a former late one. Nothing else changes, and twice is as once. O(1) a lease.
local TOUCH_MAX = 512

-- A session that has no touch here came before Redis was lost: how is in the ledger, and there the click will be too.
local function with_late(about, late)
  local tag = about:sub(1, 1 + about:byte())
  if #about == #tag then return about end
  local first = about:match('^%Z*')
  -- As in a touch that is too long: where it began goes, whose it is stays.
  if #first - #tag + 1 + #late > TOUCH_MAX then first = tag end
  return first .. '\0' .. late
end

local function news(KEYS, ARGV)
  local events, late = KEYS[1], ARGV[3]
  local session, backlog = struct.unpack('>c18I4', ARGV[1])
  if late ~= '' then
    for i = 2, #KEYS do
      local nonce, at = struct.unpack('c9', ARGV[2 + i])
      local number = ARGV[2 + i]:sub(at)
      local r = unpacked(redis.call('HGET', KEYS[i], number))
      if r and r[NONCE] == nonce and r[SESSION] == session then
        r[ABOUT] = with_late(r[ABOUT], late)
        redis.call('HSET', KEYS[i], number, packed(r))
      end
    end
  end
  if redis.call('XLEN', events) >= 2 * backlog then return 0 end
  redis.call('XADD', events, '*', 'n', ARGV[2])
  return 1
end
