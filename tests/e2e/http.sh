#!/bin/bash
# HTTP kinds: good, odd and hostile answers of a scripted server, signature, secrets, addresses, cancel, and nginx with TLS.
# ctest: timeout=170
source "$(dirname "$0")/support/harness.sh"
on_each_backend "$@"

export SIGNING_KEY=s3cret-of-the-test
printf '%s\n' "$SIGNING_KEY" > "$place/signing"
start_http_server
server=$http_server

mkdir "$place/nginx"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
    -keyout "$place/nginx/key.pem" -out "$place/nginx/cert.pem" 2> "$place/openssl.log"
tls_port=
for try in {1..20}; do
    tls_port=$((20000 + (RANDOM + try) % 10000))
    cat > "$place/nginx/nginx.conf" << END
daemon off;
master_process off;
pid $place/nginx/pid;
error_log $place/nginx.log;

events {}
http {
    access_log off;
    client_body_temp_path $place/nginx/body; proxy_temp_path $place/nginx/proxy; fastcgi_temp_path $place/nginx/f;
    uwsgi_temp_path $place/nginx/u; scgi_temp_path $place/nginx/s;
    server {
        listen 127.0.0.1:$tls_port ssl;
        ssl_certificate cert.pem;
        ssl_certificate_key key.pem;
        location = /ok { default_type application/json; return 200 '{"kind":"\$http_jobrunner_kind"}'; }
        location = /gone { proxy_pass http://127.0.0.1:1; }
    }
}
END
    PATH=$PATH:/usr/sbin nginx -e "$place/nginx.log" -c "$place/nginx/nginx.conf" -p "$place/nginx" 2> "$place/nginx-start.log" &
    nginx_pid=$!
    worker_pids+=("$nginx_pid")
    wait_for 10 "nginx to start or to give up" bash -c "[[ -s $place/nginx/pid ]] || ! kill -0 $nginx_pid"
    [[ -s $place/nginx/pid ]] && break
done
stop_nginx() { kill -TERM "$nginx_pid" 2> /dev/null; wait "$nginx_pid" 2> /dev/null; }
[[ -s $place/nginx/pid ]] || fail "nginx did not start"

export API_TOKEN=token-of-the-test
use_config << END
[secrets]
signing = { file = "signing" }
api = { env = "API_TOKEN" }
[defaults]
max_attempts = 2
backoff = { base = "10ms", cap = "20ms", jitter = 0.0 }
[kinds."at"]
http = { url = "$server/{args.path}", allow_private = true, response_max = "4000B", secret = "{secret:signing}", headers = { Authorization = "Bearer {secret:api}" } }
timeout = "30s"
[kinds."short"]
http = { url = "$server/{args.path}", allow_private = true }
timeout = "300ms"
[kinds."rebinding"]
http = { url = "http://{args.host}:$(< "$place/port")/signed", allow_hosts = ["*"] }
[kinds."tls"]
http = { url = "https://localhost:$tls_port/{args.path}", method = "GET", allow_private = true, ca_file = "nginx/cert.pem" }
[kinds."tls.unknown"]
http = { url = "https://localhost:$tls_port/{args.path}", method = "GET", allow_private = true }
END
# Proxies of the environment are not used: this one would answer nothing.
export http_proxy=http://127.0.0.1:1 https_proxy=http://127.0.0.1:1
start_worker one --slots 50

declare -A id
ask() { # KIND PATH
    id[$1/$2]=$("$jobrunner" enqueue "$1" "{\"path\": \"$2\"}")
}
for path in signed headers truncated oversized reset flood chunked wrong-json empty redirect garbage busy-seconds busy-date nothing; do
    ask at "$path"
done
ask short drip
ask tls ok
ask tls gone
ask tls.unknown ok
id[metadata]=$("$jobrunner" enqueue rebinding '{"host": "169.254.169.254"}')
id[loopback]=$("$jobrunner" enqueue rebinding '{"host": "localhost"}')
id[decimal]=$("$jobrunner" enqueue rebinding '{"host": "2130706433"}')
id[escape]=$("$jobrunner" enqueue at '{"path": "../signed?x"}')
id[injection]=$("$jobrunner" enqueue rebinding '{"host": "a.example/x"}')

# state_of NAME STATE PART: where it ends, and what its error or result says.
ends() {
    wait_for 40 "the end of $1" sql_is "$2" "SELECT state FROM all_jobs WHERE id = ${id[$1]}"
    contains "$1" "$("$jobrunner" --json show "${id[$1]}")" "$3"
}
ends at/signed completed '"good"'
contains "signature" "$(sql "SELECT result FROM all_jobs WHERE id = ${id[at/signed]}" | tr -d ' ')" '"good":true'
contains "idempotency key" "$(sql "SELECT result FROM all_jobs WHERE id = ${id[at/signed]}")" "\"${id[at/signed]}\""
ends at/headers completed '[secret api]'
ends at/truncated dead AnswerCutShort
ends at/oversized dead ResponseTooLarge
ends at/reset dead ConnectionLost
ends at/flood dead "256 KiB"
ends at/chunked completed 1
ends at/wrong-json completed '{half'
ends at/empty completed completed
ends at/redirect dead 'HTTP 302'
ends at/garbage dead BadAnswer
ends at/nothing dead 'HTTP 404 from 127.0.0.1: no such thing: Bearer [secret api]'
ends at/busy-seconds completed late
ends at/busy-date completed late
ends short/drip dead 'timed out after 300ms'
ends tls/ok completed '"tls"'
ends tls/gone dead 'HTTP 502'
ends tls.unknown/ok dead TlsFailed
ends metadata dead AddressRefused
ends loopback dead AddressRefused
ends decimal dead AddressRefused
ends escape dead 'HTTP 404'
ends injection dead BadArguments
equal "attempts of the redirect" "$(sql "SELECT attempt FROM all_jobs WHERE id = ${id[at/redirect]}")" 1
equal "attempts of the reset" "$(sql "SELECT attempt FROM all_jobs WHERE id = ${id[at/reset]}")" 2
equal "attempts of the busy" "$(sql "SELECT attempt FROM all_jobs WHERE id = ${id[at/busy-seconds]}")" 2
contains "timing" "$(sql "SELECT output FROM all_jobs WHERE id = ${id[at/chunked]}")" "POST 127.0.0.1 (127.0.0.1): status 200"
equal "the server, asked by what may not" "$(grep -c '^/signed$' "$place/port.log")" 1
if grep -rqF -e token-of-the-test -e s3cret-of-the-test "$place"/*.log; then
    fail "a secret is in a log"
fi
for table in all_jobs attempts; do
    equal "secrets in $table" "$(sql "SELECT count(*) FROM $table WHERE error LIKE '%token-of-the%'")" 0
done

# A cancel aborts the request at once, long before its timeout.
ask at drip
wait_for 20 "the drip" sql_is running "SELECT state FROM all_jobs WHERE id = ${id[at/drip]}"
"$jobrunner" cancel "${id[at/drip]}" > /dev/null
wait_for 5 "the cancel" sql_is cancelled "SELECT state FROM all_jobs WHERE id = ${id[at/drip]}"
stop_nginx || true
stop_worker "$worker_pid"
echo "$backend: $((${#id[@]} + 1)) requests ended as they should"
