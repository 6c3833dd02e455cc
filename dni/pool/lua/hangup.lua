-- A call on a number ended: its protection shrinks to `until`.
--
-- KEYS  1 pool   2 leases
-- ARGV  1 number   2 call id   3 protected until (ms): the call's end and some minutes to ring again
-- Answers 1 when the call was known there, else 0. Effects: record and score of the number. O(log N).
local number, call, till = ARGV[1], ARGV[2], tonumber(ARGV[3])
local r = record(KEYS[2], number)
if not r then return 0 end
local calls = r[CALLS]
for i = 1, #calls, 2 do
  if calls[i] == call then
    calls[i + 1] = math.min(calls[i + 1], till)
    keep(KEYS[1], KEYS[2], number, r)
    return 1
  end
end
return 0
