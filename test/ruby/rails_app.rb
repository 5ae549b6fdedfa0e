# An application on Rails' cookie store, for tests: ruby rails_app.rb <port>. FILLED is what /set puts into the session, RAILS_CONFIG
# JSON with secret_key_base, key, serializer, digest (of keys), metadata and expire_after.
require "action_dispatch"
require "active_support/all"
require "active_support/key_generator"
require "active_support/messages/rotation_configuration"
require "json"
require "rack/handler/webrick"

config = JSON.parse(ENV["RAILS_CONFIG"])
filled = JSON.parse(ENV["FILLED"])
keys = ActiveSupport::CachingKeyGenerator.new(
  ActiveSupport::KeyGenerator.new(config["secret_key_base"], iterations: 1000)
)
defaults = {
  "action_dispatch.key_generator" => keys,
  "action_dispatch.secret_key_base" => config["secret_key_base"],
  "action_dispatch.cookies_rotations" => ActiveSupport::Messages::RotationConfiguration.new,
  "action_dispatch.cookies_serializer" => config["serializer"].to_sym,
  "action_dispatch.signed_cookie_salt" => "signed cookie",
  "action_dispatch.authenticated_encrypted_cookie_salt" => "authenticated encrypted cookie",
  "action_dispatch.use_authenticated_cookie_encryption" => true,
  "action_dispatch.use_cookies_with_metadata" => config.fetch("metadata", true),
}

app = lambda do |env|
  request = ActionDispatch::Request.new(env)
  case request.path
  when "/set"
    filled.each { |key, value| request.session[key] = value }
    body = {}
  when "/cookies"
    # A value in a signed cookie, one in an encrypted one that ends in an hour.
    request.cookie_jar.signed[:user_id] = 42
    request.cookie_jar.encrypted[:cart] = { value: { "items" => ["hat"] }, expires: 1.hour }
    body = {}
  else
    body = request.session.to_hash.except("session_id")
  end
  [200, { "Content-Type" => "application/json" }, [JSON.generate(body)]]
end

store = { key: config["key"], expire_after: config["expire_after"] }.compact
stack = ActionDispatch::Cookies.new(ActionDispatch::Session::CookieStore.new(app, store))
Rack::Handler::WEBrick.run(
  ->(env) { stack.call(env.merge(defaults)) },
  Host: "127.0.0.1", Port: ARGV[0].to_i, AccessLog: [], Logger: WEBrick::Log.new(File::NULL),
)
