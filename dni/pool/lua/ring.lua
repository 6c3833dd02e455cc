-- A call rings on a number: protects the number while the call lasts and tells who held it.
--
-- KEYS  1 pool   2 leases   3 past holders of the number
-- ARGV  1 now (ms)   2 number   3 call id
-- Answers {protected until before this call (ms, 0: unknown), current record or '', past records, newest first}.
-- Effects: score and record of the number, where it has a holder. The same call twice changes nothing more. O(log N).
local now, number, call = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local raw = redis.call('HGET', KEYS[2], number) or ''
local score = redis.call('ZSCORE', KEYS[1], number)
if raw ~= '' then
  local r = cmsgpack.unpack(raw)
  local calls, known = r[CALLS], false
  for i = 1, #calls, 2 do known = known or calls[i] == call end
  if not known then
    -- Two calls at once on one number are rare, more than four are a flood: the oldest is forgotten.
    if #calls >= 8 then
      table.remove(calls, 1)
      table.remove(calls, 1)
    end
    calls[#calls + 1], calls[#calls + 2] = call, now + CALL_LIMIT
    keep(KEYS[1], KEYS[2], number, r)
  end
end
return { score and math.floor(tonumber(score)) or 0, raw, unpack(redis.call('LRANGE', KEYS[3], 0, -1)) }
