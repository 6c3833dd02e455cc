-- A call on a number ended: its protection shrinks to `until`.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 number   2 call (8 bytes)   3 protected until (ms): the call's end and some minutes to ring again
-- Answers 1 when the call was known there, else 0. Effects: record and score of the number. O(log N).
local function hangup(KEYS, ARGV)
  local number, call, till = ARGV[1], ARGV[2], tonumber(ARGV[3])
  local r = unpacked(redis.call('HGET', KEYS[2], number))
  if not r then return 0 end
  local calls = r[CALLS]
  for at = 1, #calls, CALL do
    if calls:sub(at, at + 7) == call then
      local ends = math.min(till, (struct.unpack('>I6', calls, at + 8)))
      r[CALLS] = calls:sub(1, at + 7) .. struct.pack('>I6', ends) .. calls:sub(at + CALL)
      keep(KEYS[1], region_of(KEYS[1], KEYS[2], number), KEYS[2], number, r)
      return 1
    end
  end
  return 0
end
