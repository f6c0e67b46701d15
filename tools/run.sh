#!/usr/bin/env bash
# Starts the quickstart monolith and says what to try. Ctrl-C stops it; its data stay in ./data.
set -euo pipefail
cd "$(dirname "$0")/.."
port=${PORT:-8080}
url=http://localhost:$port

build/bin/mimird -config.file=configs/quickstart.yaml -server.http-listen-port="$port" &
daemon=$!
trap 'kill $daemon 2>/dev/null || true; wait $daemon 2>/dev/null || true' EXIT
trap 'exit 0' INT TERM

until curl -fs "$url/ready" >/dev/null 2>&1; do
  kill -0 $daemon 2>/dev/null || { trap - EXIT; wait $daemon; exit $?; }
  sleep 0.2
done

cat <<TEXT

mimird is ready at $url and stores its own metrics every 15 seconds.

  curl -s '$url/prometheus/api/v1/query?query=up'
  curl -s '$url/prometheus/api/v1/query' --data-urlencode 'query=rate(process_cpu_seconds_total[1m])'
  curl -s '$url/prometheus/api/v1/label/__name__/values'

And, to see and operate its modules while it runs, in this folder:

  export MIMIRCTL_SOCKET=$PWD/data/admin.sock
  build/bin/mimirctl modules
  build/bin/mimirctl set-target ingester     # everything but the ingester stops
  build/bin/mimirctl set-target all          # and comes back

or open $url in a browser.

To send your Prometheus' samples here, add to its prometheus.yml:

  remote_write:
    - url: $url/api/v1/push

In Grafana: a data source of type Prometheus with the URL $url/prometheus

TEXT
wait $daemon
