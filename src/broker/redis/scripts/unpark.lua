-- Puts delayed messages, due or not, and suspects back into their lists: the last of our workers leaves, and a Python worker would never
-- see them.
-- KEYS 1 delayed zset, 2 delayed hash, 3-6 lists, 7-10 lists of suspects   ARGV 1 most   Reply number moved
-- Python's workers hold what has an ETA themselves; ours park it again when they come.
-- What its list refuses (a key of another type) stays where it is. ZREM of nobody passes at maxmemory, and as the first write it lets the rest pass.
redis.pcall('ZREM', KEYS[1], '')
local moved = 0
for _, member in ipairs(redis.pcall('ZRANGE', KEYS[1], 0, tonumber(ARGV[1]) - 1)) do
  local raw = redis.pcall('HGET', KEYS[2], member)
  if type(raw) == 'table' then break end -- no hash: it stays as well
  local pushed = raw and redis.pcall('LPUSH', KEYS[3 + tonumber(string.sub(member, 1, 1))], raw)
  if type(pushed) ~= 'table' then
    redis.call('ZREM', KEYS[1], member)
    redis.call('HDEL', KEYS[2], member)
    moved = moved + 1
  end
end
for i = 7, 10 do
  while moved < tonumber(ARGV[1]) do
    if type(redis.pcall('LMOVE', KEYS[i], KEYS[i - 4], 'RIGHT', 'LEFT')) ~= 'string' then break end
    moved = moved + 1
  end
end
return moved
