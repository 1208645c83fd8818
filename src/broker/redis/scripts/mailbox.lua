-- Opens a mailbox, or prolongs it: binds its queue to the exchange; and unbinds those whose owner has not prolonged them.
-- KEYS 1 mailboxes (zset: member -> end in ms), 2 scratch
-- ARGV 1 ms, 2 prefix of bindings, 3 prefix of lists, then of each mailbox to be kept open: exchange, routing key
--      a member is `<routing key> SEP SEP <routing key>.<exchange> SEP <exchange>`; what stands before the last SEP is the binding
-- Reply number of mailboxes that were given up
-- The first write is a DEL: then the rest passes at maxmemory.
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('DEL', KEYS[2])
local SEP = '\6\22'
local STEPS = {'', SEP .. '3', SEP .. '6', SEP .. '9'}
for i = 4, #ARGV, 2 do
  local exchange, key = ARGV[i], ARGV[i + 1]
  local binding = key .. SEP .. SEP .. key .. '.' .. exchange
  redis.call('ZADD', KEYS[1], now + ARGV[1], binding .. SEP .. exchange)
  redis.call('SADD', ARGV[2] .. exchange, binding)
end
local left = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, member in ipairs(left) do
  local binding, queue, exchange = string.match(member, '^(.-\6\22\6\22(.-))\6\22(.*)$')
  redis.call('ZREM', KEYS[1], member)
  if binding then
    redis.call('SREM', ARGV[2] .. exchange, binding)
    for _, step in ipairs(STEPS) do redis.call('DEL', ARGV[3] .. queue .. step) end
  end
end
return #left
