-- A call rings on a number: protects the number while the call lasts and tells who held it.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 now (ms)   2 number   3 call (8 bytes)
-- Answers {protected until before this call (ms, 0: unknown), current record or '', past records in no order}.
-- Effects: score and record of the number, where it has a holder. The same call twice changes nothing more. O(log N).
local function ring(KEYS, ARGV)
  local pool, leases = KEYS[1], KEYS[2]
  local now, number, call = tonumber(ARGV[1]), ARGV[2], ARGV[3]
  local fields = { number }
  for turn = 0, PAST_KEPT - 1 do fields[#fields + 1] = number .. '/' .. turn end
  local records = redis.call('HMGET', leases, unpack(fields))
  local score = redis.call('ZSCORE', pool, number)
  local r = unpacked(records[1])
  if r then
    local known = false
    for at = 1, #r[CALLS], CALL do known = known or r[CALLS]:sub(at, at + 7) == call end
    if not known then
      if #r[CALLS] >= CALL * CALLS_KEPT then r[CALLS] = r[CALLS]:sub(1 + CALL) end
      r[CALLS] = r[CALLS] .. call .. struct.pack('>I6', now + CALL_LIMIT)
      keep(pool, region_of(pool, leases, number), leases, number, r)
    end
  end
  local answer = { score and math.floor(tonumber(score)) or 0, records[1] or '' }
  for i = 2, #fields do
    if records[i] then answer[#answer + 1] = records[i] end
  end
  return answer
end
