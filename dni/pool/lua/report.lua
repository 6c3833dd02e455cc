-- A page says how the tag does there: the newest report of each page is kept, and how many there were.
--
-- KEYS  1 health
-- ARGV  1 page   2 report, opaque   3 most pages   4 keep (ms): forgotten when no page reports for so long
-- Answers how many reports of the page there were. When there are as many pages as may be, new ones share the page ''.
-- Effects: one field of the hash, its count (4 bytes) before the report; the end of the key. O(1).
local function report(KEYS, ARGV)
  local health, page = KEYS[1], ARGV[1]
  local before = redis.call('HGET', health, page)
  if not before and redis.call('HLEN', health) >= tonumber(ARGV[3]) then
    page = ''
    before = redis.call('HGET', health, page)
  end
  local count = math.min((before and struct.unpack('>I4', before) or 0) + 1, 4294967295)
  redis.call('HSET', health, page, struct.pack('>I4', count) .. ARGV[2])
  redis.call('PEXPIRE', health, ARGV[4])
  return count
end
