-- A page says how the tag does there: its newest report is kept, with how many there were and when it last reverted.
--
-- KEYS  1 health   2 order
-- ARGV  1 page   2 now (ms)   3 report, opaque   4 '1' when the page put numbers back   5 most pages
--       6 keep (ms): all is forgotten when no page reports for so long
-- Answers how many reports of the page there were. A page too many takes the place of the one silent for the longest.
-- Effects: the page's field in the hash (count in 4 bytes, last reverted in 6, ms, 0 for never; then the report), its
--          place in the sorted set, the end of both keys. O(log N).
local function report(KEYS, ARGV)
  local health, order, page, now = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
  local count, reverted = 0, 0
  local before = redis.call('HGET', health, page)
  if before then count, reverted = struct.unpack('>I4I6', before) end
  if ARGV[4] == '1' then reverted = now end
  count = math.min(count + 1, 4294967295)
  redis.call('HSET', health, page, struct.pack('>I4I6', count, reverted) .. ARGV[3])
  redis.call('ZADD', order, now, page)
  if not before and redis.call('ZCARD', order) > tonumber(ARGV[5]) then
    redis.call('HDEL', health, (redis.call('ZPOPMIN', order))[1])
  end
  redis.call('PEXPIRE', health, ARGV[6])
  redis.call('PEXPIRE', order, ARGV[6])
  return count
end
