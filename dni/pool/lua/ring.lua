-- A call rings on a number: protects the number while the call lasts and tells who held it.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 now (ms)   2 number   3 call (8 bytes)
-- Answers {protected until before this call (ms, 0: unknown), when the pool was or will be sure again after it may have
--          forgotten leases (ms, 0: it never did), current record or '', past records in no order}.
-- Effects: score and record of the number, where it has a holder. The same call twice changes nothing more. O(log N).

-- Calls but the one whose protection ends first.
local function without_soonest(calls)
  local soonest, first = math.huge, 1
  for at = 1, #calls, CALL do
    local ends = struct.unpack('>I6', calls, at + 8)
    if ends < soonest then soonest, first = ends, at end
  end
  return calls:sub(1, first - 1) .. calls:sub(first + CALL)
end

local function ring(KEYS, ARGV)
  local pool, leases = KEYS[1], KEYS[2]
  local now, number, call = tonumber(ARGV[1]), ARGV[2], ARGV[3]
  local fields = { 'state', number }
  for turn = 0, PAST_KEPT - 1 do fields[#fields + 1] = number .. '/' .. turn end
  local records = redis.call('HMGET', leases, unpack(fields))
  local state = table.remove(records, 1)
  local score = redis.call('ZSCORE', pool, number)
  local r = unpacked(records[1])
  if r then
    local known = false
    for at = 1, #r[CALLS], CALL do known = known or r[CALLS]:sub(at, at + 7) == call end
    if not known then
      if #r[CALLS] >= CALL * CALLS_KEPT then r[CALLS] = without_soonest(r[CALLS]) end
      r[CALLS] = r[CALLS] .. call .. struct.pack('>I6', now + CALL_LIMIT)
      keep(pool, region_of(pool, leases, number), leases, number, r)
    end
  end
  local sure = state and select(2, struct.unpack(STATE, state)) or now -- not there: it is lost
  local answer = { score and math.floor(tonumber(score)) or 0, sure, records[1] or '' }
  for i = 2, 1 + PAST_KEPT do
    if records[i] then answer[#answer + 1] = records[i] end
  end
  return answer
end
