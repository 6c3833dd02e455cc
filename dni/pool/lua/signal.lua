-- What a page says after the lease: signs of life of its leases in one pool.
--
-- KEYS  1 pool   2 state   3 leases   4 holdings   5 events
-- ARGV  1 now (ms)   2 run id of this server   3 session   4 visitor, '' when the page did not tell it   5 tag
--       6 page id   7 page sequence number   8 hold (ms)   9 key of past holders, without the number
--       10 most events that may wait for the recorder: looked at here too, though signals are heard however far it is
--       behind, for there is a bounded number of leases to signal
--       then for each signal: type (beat view set hide leave tap), number, nonce, lease began (ms), when (ms)
-- Answers {beat (ms) to be announced, or 0 when it is what the page was told last, then the nonces of leases that ended}.
-- Effects: record and score of each number named; events 'leave' and 'tap'. A lease that is not the number's current
--          one changes nothing and is answered as ended, but: while the pool is recovering, a lease that is younger
--          than what we know of its number takes it back. O(log N) a signal.
local pool, state, leases, holdings, events = unpack(KEYS)
local now, run, session = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local visitor, tag, page, seq, hold = ARGV[4], ARGV[5], ARGV[6], tonumber(ARGV[7]), tonumber(ARGV[8])

local is = pool_state(pool, state, events, run, now, hold, tonumber(ARGV[10]))
local beat, told = is and is.beat or BEAT_TIGHT, nil
local ended = {}

local function take_back(number, nonce, began)
  if not is or is.recovering == 0 or session == '' or not redis.call('ZSCORE', pool, number) then return nil end
  local former = record(leases, number)
  if former and former[STARTED] >= began then return nil end
  if former then
    redis.call('HDEL', holdings, former[TAG] .. '|' .. former[TARGET] .. '|' .. former[VISITOR])
    dismiss(ARGV[9] .. number, events, number, former, now)
  end
  return { nonce, session, visitor, tag, '', began, now, beat, 0, 0, now, '', {}, {} }
end

for i = 11, #ARGV, 5 do
  local kind, number, nonce = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local began, at = tonumber(ARGV[i + 3]), tonumber(ARGV[i + 4])
  local r = record(leases, number)
  if not r or r[NONCE] ~= nonce then r = take_back(number, nonce, began) end
  if not r then
    ended[#ended + 1] = nonce
  else
    local word = kind == 'leave' and LEFT or kind == 'hide' and HIDDEN or OPEN
    if page_says(r, page, seq, word) then
      told = told or r[BEAT]
      r[SIGN] = math.max(r[SIGN], at)
      r[SIGNALLED], r[BEAT] = 1, beat
      if kind == 'tap' then r[TAPPED] = math.max(r[TAPPED], at) end
      if word == LEFT then
        if not any_page(r, OPEN) and not any_page(r, HIDDEN) then r[UNTIL] = now + hold end
      else
        local still = shown(beat, hold)
        if word == HIDDEN then still = math.max(still, HIDDEN_HOLD) end
        r[UNTIL] = math.max(r[UNTIL], at + still)
      end
      keep(pool, leases, number, r)
      if kind == 'leave' or kind == 'tap' then
        redis.call('XADD', events, '*', 'k', kind, 't', at, 'n', number, 'l', nonce, 'i', r[STARTED], 'g', tag,
          's', r[SESSION])
      end
    end
  end
end
table.insert(ended, 1, told and told ~= beat and beat or 0)
return ended
