-- Gives lanes back whole, uncounted: those of a take that was closed, or all of them when a worker resigns.
-- KEYS 1 epoch, 2 lanes, 3 marks, 4 start records, 5 lease, 6 registry, 7 started positions, 8 times of notes, 9 notes
-- ARGV 1 prefix of lane keys, 2 prefix of done keys, 3 incarnation, 4 'close' | 'resign', 5 seq (close)
-- Reply 'lost' | number of messages given back
-- Positions with a start record stay: the reaper judges them (the registry entry then stays too).
-- The first write is a DEL or an HDEL, which are never refused: then the rest passes at maxmemory.
if redis.call('EXISTS', KEYS[1]) == 0 then return 'lost' end
local resign = ARGV[4] == 'resign'
local only
if resign then
  redis.call('DEL', KEYS[1], KEYS[5])
else
  only = ARGV[5] .. '/'
  local closed = redis.call('HGET', KEYS[3], 'closed')
  redis.call('HDEL', KEYS[3], 'closed')
  if not closed or tonumber(closed) < tonumber(ARGV[5]) then closed = ARGV[5] end
  redis.call('HSET', KEYS[3], 'closed', closed)
end
local back, kept = 0, 0
local lanes = redis.call('HGETALL', KEYS[2])
for l = #lanes - 1, 1, -2 do
  local name, source = lanes[l], lanes[l + 1]
  if not only or string.sub(name, 1, #only) == only then
    local raws = redis.call('LRANGE', ARGV[1] .. name, 0, -1)
    local early = false
    for i = #raws, 1, -1 do -- the last taken is pushed first, so that the order is what it was
      if redis.call('SISMEMBER', ARGV[2] .. name, i - 1) == 0 then
        if redis.call('HEXISTS', KEYS[4], name .. ':' .. (i - 1)) == 1 then
          early = true
        else
          local pushed = redis.pcall('RPUSH', source, raws[i])
          if type(pushed) == 'number' then
            redis.call('SADD', ARGV[2] .. name, i - 1)
            back = back + 1
          else
            early = true -- the source is no list any more: the lane keeps it, nothing is lost
          end
        end
      end
    end
    if early then
      kept = kept + 1
    else
      redis.call('DEL', ARGV[1] .. name, ARGV[2] .. name)
      redis.call('HDEL', KEYS[2], name)
    end
  end
end
if resign then
  redis.call('DEL', KEYS[3], KEYS[7])
  redis.call('ZREM', KEYS[8], ARGV[3])
  redis.call('HDEL', KEYS[9], ARGV[3])
  if kept == 0 then
    redis.call('DEL', KEYS[4])
    redis.call('HDEL', KEYS[6], ARGV[3])
  end
end
return back
