-- What a page says after the lease: signs of life of its leases in one pool.
--
-- KEYS  1 pool   2 leases   3 events   4 address counter
-- ARGV  1 head, packed: now (ms), run id of this server, '1' when the page told its session, that session, page, page
--         sequence number, hold (ms), '1' when its reader is idle, the beat that the
--         page goes by (ms, 0: not told, then it may be the longest of this lease), most events that may wait for the recorder: looked at here too, though signals are
--         heard however far it is behind, for there is a bounded number of leases to signal
--       2 about, for a lease that is taken back
--       then for each signal, packed: first letter of its type (beat view set hide leave tap), nonce, lease began (ms),
--         when (ms), holding, number
-- Answers 'missing': the pool is not in this Redis; nothing was done. Place it and ask again.
--      or {beat (ms) to be announced, or 0 when the page goes by it already, then the nonces of leases that ended}.
-- Effects: record and score of each number named; an event for each leave and tap: its first letter, start of the lease
--          and time (6 bytes each, ms), the number. A lease that is not the number's current one changes nothing and is
--          answered as ended, but: while the pool is recovering, a lease that is younger than what we know of its number
--          takes it back (an event 'e', with the start of the lease that it ended). O(log N) a signal.
local SIGNAL = '>c1c9I6I6c16' -- then the number, to the end

local function tell(page, kind, began, at, number)
  -- New leases stop at the bound; what is told of those that there are may take as much again, and no more.
  if redis.call('XLEN', page.events) >= 2 * page.backlog then return end
  redis.call('XADD', page.events, '*', 's', struct.pack('>c1I6I6', kind, began, at) .. number)
end

-- The record of a lease that is younger than what we know of its number, or nil.
local function taken_back(page, number, former, nonce, began, holding)
  if page.recovering == 0 or not page.session or not redis.call('ZSCORE', page.pool, number) then return nil end
  if former and former[STARTED] >= began then return nil end
  local turn = 0
  if former then
    turn = (former[TURN] + 1) % PAST_KEPT
    former[PAGES], former[CALLS] = '', ''
    redis.call('HDEL', page.leases, former[HOLDING])
    redis.call('HSET', page.leases, past(number, former), packed(former))
    tell(page, 'e', former[STARTED], page.now, number)
  end
  redis.call('HSET', page.leases, holding, number)
  return { nonce, page.session, holding, began, page.now, page.now, 0, page.beat, 0, turn, 0, 0, '', '', page.about }
end

local function heard(page, r, kind, at, beat)
  r[SIGN] = math.max(r[SIGN], at)
  if r[SIGNALLED] == 0 then
    local since, count = of_address(page.address, page.now)
    if count > 0 then set_of_address(page.address, since, count - 1) end
  end
  r[SIGNALLED], r[BEAT] = 1, math.max(beat, r[BEAT])
  if kind == 't' then r[TAPPED] = math.max(r[TAPPED], at) end
  if kind == 'l' then
    if all_left(r) then r[SIGNALLED], r[UNTIL] = 2, page.now + page.hold end
  else
    local still = shown(beat, page.hold)
    if kind == 'h' then still = math.max(still, HIDDEN_HOLD) end
    r[UNTIL] = math.max(r[UNTIL], at + still)
  end
end

local function signal(KEYS, ARGV)
  local now, run, has_session, session, id, seq, hold, idle, goes_by, backlog =
    struct.unpack('>I6c40c1c18c4I4I4c1I4I4', ARGV[1])
  local page = {
    pool = KEYS[1], leases = KEYS[2], events = KEYS[3], address = KEYS[4], now = now, hold = hold, about = ARGV[2],
    session = has_session == '1' and session, recovering = 0, beat = BEAT_TIGHT, backlog = backlog,
  }
  local announced, known, ended = math.huge, math.huge, {}
  for i = 3, #ARGV do
    local kind, nonce, began, at, holding, number = struct.unpack(SIGNAL, ARGV[i])
    number = ARGV[i]:sub(number)
    local state, raw = unpack(redis.call('HMGET', page.leases, 'state', number))
    if not state then return 'missing' end
    if i == 3 then
      page.recovering, page.beat, page.size, page.regions =
        pool_state(page.pool, page.leases, page.events, state, run, now, hold, backlog)
    end
    local r = unpacked(raw)
    if not r or r[NONCE] ~= nonce then r = taken_back(page, number, r, nonce, began, holding) end
    if not r then
      ended[#ended + 1] = nonce
    else
      local region = page.regions and region_of(page.pool, page.leases, number)
      local beat = region and math.min(page.beat, (slack(region, now))) or page.beat
      if idle == '1' then beat = math.max(beat, BEAT_IDLE) end
      if kind ~= 'l' then
        announced = math.min(announced, beat)
        known = math.min(known, goes_by > 0 and goes_by or r[BEAT])
      end
      if goes_by == 0 then beat = math.max(beat, r[BEAT]) end
      -- A word that comes late is still a sign of life; but a page that left has left, and one that spoke since has not.
      local since = page_says(r, id, seq, kind == 'l' and LEFT or kind == 'h' and HIDDEN or OPEN)
      if not since or (since ~= LEFT and kind ~= 'l') then
        heard(page, r, kind, at, beat)
        keep(page.pool, region, page.leases, number, r)
        if kind == 'l' or kind == 't' then tell(page, kind, r[STARTED], at, number) end
      end
    end
  end
  table.insert(ended, 1, announced ~= known and announced or 0)
  return ended
end
