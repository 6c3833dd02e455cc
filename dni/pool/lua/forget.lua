-- Forgets who held numbers. Their records stay, so that what may be on a screen is protected and a call knows its source.
--
-- KEYS  1 leases
-- ARGV  1 last sign before (ms): a record with a later one stays as it is
--       then for each record: its field, the session that it names, the one to name instead (18 bytes each), the about
--         to know instead
-- Answers how many records changed; one that names another session by now stays as it is.
-- Effects: session, holding and about of these records; a present holder's number is not found by his holding any more,
--          so his next page gets another one. The lease itself goes on: its nonce is what signals name. O(1) a record.
local NOBODYS = ('\0'):rep(12) .. NO_TARGET

local function forget(KEYS, ARGV)
  local leases, before, changed = KEYS[1], tonumber(ARGV[1]), 0
  for i = 2, #ARGV, 4 do
    local field = ARGV[i]
    local r = unpacked(redis.call('HGET', leases, field))
    if r and r[SESSION] == ARGV[i + 1] and r[SIGN] < before then
      if redis.call('HGET', leases, r[HOLDING]) == field then redis.call('HDEL', leases, r[HOLDING]) end
      r[SESSION], r[HOLDING], r[ABOUT] = ARGV[i + 2], NOBODYS, ARGV[i + 3]
      redis.call('HSET', leases, field, packed(r))
      changed = changed + 1
    end
  end
  return changed
end
