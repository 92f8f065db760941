-------------------------------------------------------------------------
--
-- fault.lua
--		Faults on request, between a client and an S3 server.
--
-- Control, on the proxy's own ports:
--
--	POST /__fault/arm	a rule as a JSON object
--	POST /__fault/reset	forget the rules, the log and the count
--	GET  /__fault/log	one line per exchange that began and ended since the
--						reset: name=value fields between tabs, "-" for none
--	GET  /__fault/count	how many requests came since the reset
--	GET  /__fault/rules	the rules as they stand
--
-- Which requests a rule applies to; the newest rule that matches wins, and a
-- request that matches none passes unchanged:
--
--	method		the method
--	match		a regular expression (PCRE) found in path and query
--	skip		let this many matching requests through first (0)
--	count		apply to this many (1), -1 for all
--	nth			apply only to the n-th request since the reset
--
-- What it does.  Before the server sees the request:
--
--	delay		wait so many seconds (plus up to jitter seconds)
--	close		reset the connection without an answer
--	status		answer with this status and an S3 error document made from
--				code, message and extra (elements in XML), or with body xml,
--				of content type type; retry_after, redirect (a Location) and
--				region (x-amz-bucket-region) add headers
--	strip		remove these request headers (a list)
--
-- After the server has done its work, whose answer the client does not get:
--
--	after		with close or status: as above, but afterwards; with xml and
--				no status, the body alone is replaced; with a status below 300
--				and no xml, the status alone
--	pad			answer 200 at once, with so many blanks, one each every (0.2)
--				seconds, then the server's document or xml
--	truncate	send this many bytes of the body, then reset the connection
--	hang		send this many bytes of the body, then nothing, for seconds (300)
--
-- With fin: true, close and truncate close the connection instead of a reset.
--
-- While the answer passes:
--
--	rate		bytes per second
--	stall_after	send this many bytes, then rate (1) bytes per second
--	corrupt		the byte at this offset is changed
--	set			set response headers; "" removes one.  Without a
--				Content-Length, the body is sent in chunks.
--
-- IDENTIFICATION
--		test/faultproxy/fault.lua
--
-------------------------------------------------------------------------
local cjson = require "cjson.safe"

local M = {}

local LOG_MAX = 50000
local rules, log_lines, log_first, request_count = {}, {}, 1, 0
local resets = 0

local ERROR_DOCUMENT = '<?xml version="1.0" encoding="UTF-8"?>\n'
	.. '<Error><Code>%s</Code><Message>%s</Message>%s'
	.. '<RequestId>FAULT0001</RequestId><HostId>fault</HostId></Error>'

-------------------------------------------------------------------------
-- Control
-------------------------------------------------------------------------

local commands = {}

function commands.arm()
	ngx.req.read_body()
	local rule, err = cjson.decode(ngx.req.get_body_data() or "")

	if type(rule) ~= "table" then
		ngx.status = 400
		ngx.say("not a rule: ", err or "no object")
		return
	end
	-- JSON's null is no field.
	for name, value in pairs(rule) do
		if value == cjson.null then
			rule[name] = nil
		end
	end
	rule.count = rule.count or 1
	rule.skip = rule.skip or 0
	table.insert(rules, 1, rule)
	ngx.say("armed ", #rules)
end

function commands.reset()
	rules, log_lines, log_first, request_count = {}, {}, 1, 0
	resets = resets + 1
	ngx.say("ok")
end

function commands.log()
	for i = log_first, #log_lines do
		ngx.say(log_lines[i])
	end
end

function commands.count()
	ngx.say(request_count)
end

function commands.rules()
	ngx.say(#rules > 0 and cjson.encode(rules) or "[]")
end

function M.control()
	local command = commands[ngx.var.uri:match("^/__fault/(%w+)$") or ""]

	if not command then
		return ngx.exit(404)
	end
	command()
end

-- The rule for this request, or nil.
local function choose_rule()
	local method, uri = ngx.req.get_method(), ngx.var.request_uri

	for _, rule in ipairs(rules) do
		if rule.count ~= 0
			and (not rule.method or method == rule.method)
			and (not rule.nth or request_count == rule.nth)
			and (not rule.match or ngx.re.find(uri, rule.match, "jo"))
		then
			if rule.skip == 0 then
				rule.count = rule.count - 1
				return rule
			end
			rule.skip = rule.skip - 1
		end
	end
end

-------------------------------------------------------------------------
-- The server's answer in the hands of Lua
-------------------------------------------------------------------------

local function read_request_body()
	ngx.req.read_body()
	local body = ngx.req.get_body_data()
	local path = not body and ngx.req.get_body_file()

	if path then
		local file = assert(io.open(path, "rb"))
		body = file:read("*a")
		file:close()
	end
	return body or ""
end

-- Hand the request on; returns status, headers (a list of pairs) and a function
-- that returns the next piece of the body, or nil after the last.
local function ask_server()
	local method = ngx.req.get_method()
	local body = read_request_body()
	local head = { method .. " " .. ngx.var.request_uri .. " HTTP/1.1" }

	for name, value in pairs(ngx.req.get_headers(0, true)) do
		local lower = name:lower()
		if lower ~= "connection" and lower ~= "expect" and lower ~= "content-length"
			and lower ~= "transfer-encoding"
		then
			for _, v in ipairs(type(value) == "table" and value or { value }) do
				head[#head + 1] = name .. ": " .. v
			end
		end
	end
	head[#head + 1] = "Connection: close"
	if #body > 0 or method == "PUT" or method == "POST" then
		head[#head + 1] = "Content-Length: " .. #body
	end

	local socket = ngx.socket.tcp()
	socket:settimeouts(5000, 600000, 600000)
	assert(socket:connect("127.0.0.1", tonumber(ngx.var.upstream_port)))
	assert(socket:send({ table.concat(head, "\r\n"), "\r\n\r\n", body }))

	local status, headers, length, chunked
	repeat
		status = tonumber(assert(socket:receive("*l")):match("^HTTP/1%.%d (%d+)"))
		headers = {}
		while true do
			local line = assert(socket:receive("*l"))
			local name, value = line:match("^([^:]+):%s*(.-)%s*$")
			if line == "" then
				break
			end
			headers[#headers + 1] = { name, value }
			if name:lower() == "content-length" then
				length = tonumber(value)
			elseif name:lower() == "transfer-encoding" then
				chunked = value:lower() == "chunked"
			end
		end
	until status ~= 100

	if method == "HEAD" or status == 204 or status == 304 then
		return status, headers, function() return nil end
	end

	local left = length
	return status, headers, function()
		if chunked and (not left or left == 0) then
			if left then
				socket:receive("*l")
			end
			left = tonumber(assert(socket:receive("*l")):match("^%x+"), 16)
			if left == 0 then
				chunked, length, left = false, 0, 0
			end
		end
		if left == 0 then
			return nil
		end
		local piece, _, partial = socket:receive(math.min(left or 65536, 65536))
		piece = piece or partial
		if not piece or #piece == 0 then
			return nil
		end
		left = left and left - #piece
		return piece
	end
end

local function read_all(next_piece)
	local pieces = {}

	for piece in next_piece do
		pieces[#pieces + 1] = piece
	end
	return table.concat(pieces)
end

local function pass_headers(status, headers)
	ngx.status = status
	for _, header in ipairs(headers) do
		local lower = header[1]:lower()
		if lower ~= "connection" and lower ~= "transfer-encoding" and lower ~= "keep-alive" then
			ngx.header[header[1]] = header[2]
		end
	end
end

-- An answer made here is sent as it is: nginx shall not apply the request's
-- conditions to it once more.
local function clear_conditions()
	ngx.req.clear_header("If-Match")
	ngx.req.clear_header("If-None-Match")
end

-- Send a body made here and end the request.
local function reply(status, content_type, body)
	clear_conditions()
	ngx.status = status
	ngx.header["Content-Type"] = content_type
	ngx.header["Content-Length"] = #body
	ngx.send_headers()
	if ngx.req.get_method() ~= "HEAD" then
		ngx.print(body)
	end
	return ngx.exit(ngx.HTTP_OK)
end

-- End the connection, with a reset unless the rule says otherwise.
local function abort(rule)
	if ngx.headers_sent then
		-- Let the client take what was sent before it learns of the reset.
		ngx.flush(true)
		ngx.sleep(0.02)
	end
	return ngx.exit(rule.fin and ngx.ERROR or 444)
end

local function reply_error(rule)
	local document = rule.xml or ERROR_DOCUMENT:format(rule.code or "InternalError",
		rule.message or "injected", rule.extra or "")

	ngx.header["x-amz-request-id"] = "FAULT0001"
	ngx.header["Retry-After"] = rule.retry_after
	ngx.header["Location"] = rule.redirect
	ngx.header["x-amz-bucket-region"] = rule.region
	return reply(rule.status, rule.type or "application/xml", document)
end

-- The server did its work, but the client hears something else.
local function answer_after(rule)
	local status, headers, next_piece = ask_server()
	local body = read_all(next_piece)

	if rule.close then
		return abort(rule)
	end
	if rule.status and rule.status >= 300 then
		return reply_error(rule)
	end
	pass_headers(rule.status or status, headers)
	return reply(rule.status or status, rule.type or ngx.header["Content-Type"],
		rule.xml or body)
end

-- As S3 keeps a connection alive while it completes an upload.
local function answer_padded(rule)
	ngx.header["Content-Type"] = "application/xml"
	ngx.req.read_body()
	clear_conditions()
	ngx.print('<?xml version="1.0" encoding="UTF-8"?>\n')
	ngx.flush(true)
	if ngx.ctx.if_none_match then
		ngx.req.set_header("If-None-Match", ngx.ctx.if_none_match)
	end
	for _ = 1, rule.pad do
		ngx.print(" \n")
		ngx.flush(true)
		ngx.sleep(rule.every or 0.2)
	end
	if rule.xml then
		ngx.print(rule.xml)
	else
		local _, _, next_piece = ask_server()
		ngx.print((read_all(next_piece):gsub("^<%?xml[^>]*%?>%s*", "")))
	end
	return ngx.exit(ngx.HTTP_OK)
end

-- A part of the promised body, and then the end of the connection, or silence.
local function answer_partly(rule)
	local status, headers, next_piece = ask_server()
	local left = rule.truncate or rule.hang

	clear_conditions()
	pass_headers(status, headers)
	ngx.send_headers()
	ngx.flush(true)
	for piece in next_piece do
		if left <= 0 then
			break
		end
		ngx.print(piece:sub(1, left))
		ngx.flush(true)
		left = left - #piece
	end
	if rule.hang then
		ngx.sleep(rule.seconds or 300)
	end
	return abort(rule)
end

-------------------------------------------------------------------------
-- Phases of a request
-------------------------------------------------------------------------

function M.request()
	request_count = request_count + 1
	ngx.ctx.resets = resets

	local rule = choose_rule()
	ngx.ctx.rule = rule
	ngx.ctx.offset = 0
	ngx.ctx.if_match = ngx.var.http_if_match
	ngx.ctx.if_none_match = ngx.var.http_if_none_match
	if not rule then
		return
	end

	if rule.delay then
		ngx.sleep(rule.delay + math.random() * (rule.jitter or 0))
	end
	for _, name in ipairs(rule.strip or {}) do
		ngx.req.clear_header(name)
	end
	if rule.after then
		return answer_after(rule)
	elseif rule.close then
		return abort(rule)
	elseif rule.status then
		return reply_error(rule)
	elseif rule.pad then
		return answer_padded(rule)
	elseif rule.truncate or rule.hang then
		return answer_partly(rule)
	end
	if rule.stall_after then
		ngx.var.fault_after = rule.stall_after
		ngx.var.fault_rate = rule.rate or 1
	elseif rule.rate then
		ngx.var.fault_rate = rule.rate
	end
end

function M.headers()
	local rule = ngx.ctx.rule

	for name, value in pairs(rule and rule.set or {}) do
		if value == "" then
			ngx.header[name] = nil
		else
			ngx.header[name] = value
		end
	end
end

function M.body()
	local rule = ngx.ctx.rule

	if not rule or not rule.corrupt then
		return
	end
	local piece, offset = ngx.arg[1] or "", ngx.ctx.offset
	local i = rule.corrupt - offset

	ngx.ctx.offset = offset + #piece
	if i >= 0 and i < #piece then
		ngx.arg[1] = piece:sub(1, i) .. string.char(255 - piece:byte(i + 1)) .. piece:sub(i + 2)
	end
end

function M.log()
	local var = ngx.var

	-- A request that was cut off before it was read is no exchange; one that
	-- a rule still held at the reset is none of the next test.
	if ngx.ctx.resets ~= resets or not ngx.ctx.offset then
		return
	end
	log_lines[#log_lines + 1] = table.concat({
		"method=" .. ngx.req.get_method(),
		"uri=" .. var.request_uri,
		"status=" .. ngx.status,
		"range=" .. (var.http_range or "-"),
		"received=" .. var.request_length,
		"sent=" .. var.body_bytes_sent,
		"connection=" .. var.connection,
		"authorization=" .. (var.http_authorization and "yes" or "-"),
		"sha256=" .. (var.http_x_amz_content_sha256 or "-"),
		"if_match=" .. (ngx.ctx.if_match or "-"),
		"if_none_match=" .. (ngx.ctx.if_none_match or "-"),
		"copy_source=" .. (var.http_x_amz_copy_source or "-"),
		"copy_range=" .. (var.http_x_amz_copy_source_range or "-"),
		"copy_if_match=" .. (var.http_x_amz_copy_source_if_match or "-"),
		"token=" .. (var.http_x_amz_security_token and "yes" or "-"),
		"fault=" .. (ngx.ctx.rule and "yes" or "-"),
	}, "\t")
	if #log_lines - log_first >= LOG_MAX then
		log_lines[log_first] = false
		log_first = log_first + 1
	end
end

return M
