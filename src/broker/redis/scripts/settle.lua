-- Settles positions of lanes; each position once, however often it is sent. Used by the owner, and after the fence by the reaper.
-- KEYS 1 epoch, 2 lanes (hash), 3 scratch, 4 start records (hash)
-- ARGV 1 'owner' | 'reaper', 2 prefix of lane keys, 3 prefix of done keys, 4 db of the broker, then per lane:
--        name, size, number of positions, per position: position, number of ops, ops:
--          'r' db key value ttl-ms        a result: stored (0 = for ever) and published; a stored SUCCESS stays
--          'l' list raw                   to the back of a list      'f' list raw    to its front
--          'd' zset hash member due raw   kept until due             'x' list json   dead letter
--          'e'                            ends a start record        'b'             blanks the bytes in the lane
-- Reply {'lost'} | {'ok', lane, position, error, …}: positions whose ops were refused stay leased.
-- The first write is a DEL: then the rest passes at maxmemory.
local owner = ARGV[1] == 'owner'
if (redis.call('EXISTS', KEYS[1]) == 1) ~= owner then return {'lost'} end
redis.call('DEL', KEYS[3])
local reply, results = {'ok'}, {}
local WIDTH = { r = 4, l = 2, f = 2, d = 5, x = 2, e = 0, b = 0 }

local function perform(lane, position, a, count)
  local refused
  for _ = 1, count do
    local op = ARGV[a]
    local r
    if op == 'r' then results[#results + 1] = a
    elseif op == 'l' then r = redis.pcall('LPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'f' then r = redis.pcall('RPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'x' then r = redis.pcall('LPUSH', ARGV[a + 1], ARGV[a + 2])
    elseif op == 'd' then
      r = redis.pcall('HSET', ARGV[a + 2], ARGV[a + 3], ARGV[a + 5])
      if type(r) == 'number' then r = redis.pcall('ZADD', ARGV[a + 1], ARGV[a + 4], ARGV[a + 3]) end
    elseif op == 'e' then redis.call('HDEL', KEYS[4], lane .. ':' .. position)
    elseif op == 'b' then redis.pcall('LSET', ARGV[2] .. lane, position, '') end
    if type(r) == 'table' and r.err then refused = r.err end
    a = a + 1 + WIDTH[op]
  end
  return refused, a
end

local function skip(a, count)
  for _ = 1, count do a = a + 1 + WIDTH[ARGV[a]] end
  return a
end

local a = 5
while a <= #ARGV do
  local lane, size, count = ARGV[a], tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
  a = a + 3
  local stands = redis.call('HEXISTS', KEYS[2], lane) == 1
  local done = ARGV[3] .. lane
  -- A lane settled whole in one go needs no notes: that it is gone is the note.
  local whole = stands and count == size and redis.call('EXISTS', done) == 0
  local fine, noted = true, {}
  for _ = 1, count do
    local position, ops = ARGV[a], tonumber(ARGV[a + 1])
    a = a + 2
    if not stands or (not whole and redis.call('SISMEMBER', done, position) == 1) then
      a = skip(a, ops)
    else
      local mark, refused = #results, nil
      refused, a = perform(lane, position, a, ops)
      if refused then
        while #results > mark do table.remove(results) end
        fine = false
        reply[#reply + 1] = lane
        reply[#reply + 1] = position
        reply[#reply + 1] = refused
      else
        noted[#noted + 1] = position
      end
    end
  end
  if stands then
    local finished = whole and fine
    if not finished and #noted > 0 then
      redis.call('SADD', done, unpack(noted))
      finished = redis.call('SCARD', done) >= size
    end
    if finished then
      redis.call('DEL', ARGV[2] .. lane, done)
      redis.call('HDEL', KEYS[2], lane)
    end
  end
end

local db = ARGV[4]
for _, at in ipairs(results) do
  if ARGV[at + 1] ~= db then
    db = ARGV[at + 1]
    redis.call('SELECT', db)
  end
  local start = redis.pcall('GETRANGE', ARGV[at + 2], 0, 19)
  if start ~= '{"status": "SUCCESS"' and start ~= '{"status":"SUCCESS",' then
    if ARGV[at + 4] == '0' then redis.call('SET', ARGV[at + 2], ARGV[at + 3])
    else redis.call('SET', ARGV[at + 2], ARGV[at + 3], 'PX', ARGV[at + 4]) end
    redis.call('PUBLISH', ARGV[at + 2], ARGV[at + 3])
  end
end
if db ~= ARGV[4] then redis.call('SELECT', ARGV[4]) end
return reply
