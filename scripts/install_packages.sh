#!/bin/bash
# Installs those Debian packages of the named groups that are missing; does nothing if none is.
#
#   scripts/install_packages.sh build        what compiling and running needs
#   scripts/install_packages.sh build demo   and what the quickstart needs on top
#   scripts/install_packages.sh build test   and what the tests need on top
set -euo pipefail

build_packages=(
    g++ cmake ninja-build pkg-config
    libpqxx-dev libpq-dev libsqlite3-dev nlohmann-json3-dev libtomlplusplus-dev libspdlog-dev
    libcli11-dev libcurl4-openssl-dev libcpp-httplib-dev prometheus-cpp-dev libsodium-dev
    zlib1g-dev libsystemd-dev tzdata libhowardhinnant-date-dev libjs-chart.js
)
demo_packages=(sqlite3 jq)
test_packages=(
    ccache doctest-dev clang-format shellcheck
    postgresql postgresql-client sqlite3 jq curl procps
    nginx-light openssl python3 prometheus groff-base
    python3-psycopg2 ruby ruby-minitest ruby-pg ruby-sqlite3 nodejs npm chromium
)

is_installed() {
    # A server of any version will do, with or without the package that names the newest one.
    case $1 in
        postgresql) compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null && return ;;
        postgresql-client) command -v psql > /dev/null && return ;;
        # From wherever, as long as the client packages run with it.
        npm) command -v npm > /dev/null && return ;;
        nodejs) [[ $(node --version 2> /dev/null) =~ ^v([0-9]+) ]] && ((BASH_REMATCH[1] >= 18)) && return ;;
    esac
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2> /dev/null) == installed ]]
}

as_root() {
    if ((EUID == 0)); then
        env DEBIAN_FRONTEND=noninteractive "$@"
    elif command -v sudo > /dev/null; then
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    else
        echo "install_packages: neither root nor sudo; please install: ${missing[*]}" >&2
        return 1
    fi
}

missing=()
for group in "$@"; do
    case $group in
        build) wanted=("${build_packages[@]}") ;;
        demo) wanted=("${demo_packages[@]}") ;;
        test) wanted=("${test_packages[@]}") ;;
        *)
            echo "install_packages: unknown group '$group', expected build, demo or test" >&2
            exit 2
            ;;
    esac
    for package in "${wanted[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
done
if ((${#missing[@]} == 0)); then
    exit 0
fi
if ! command -v apt-get > /dev/null; then
    echo "install_packages: no apt-get here; please install the equivalents of: ${missing[*]}" >&2
    exit 1
fi

echo "Installing: ${missing[*]}"
# Debian starts a cluster as soon as the server is installed, unless told not to. The tests
# bring their own, and whoever has a cluster already keeps it as it is.
no_cluster=/etc/postgresql-common/createcluster.d/jobrunner-tests.conf
if [[ " ${missing[*]} " == *" postgresql "* ]]; then
    as_root mkdir -p "$(dirname "$no_cluster")"
    as_root sh -c "echo 'create_main_cluster = false' > $no_cluster"
fi
# Nor is any other server wanted, now or when the host starts: the tests start their own.
policy=/usr/sbin/policy-rc.d
our_policy=
clean_up() {
    as_root rm -f "$no_cluster" ${our_policy:+"$our_policy"}
}
trap clean_up EXIT
if [[ " ${missing[*]} " == *" prometheus "* && ! -e $policy ]]; then
    our_policy=$policy
    as_root sh -c "printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy"
fi

log=$(mktemp)
install() {
    as_root apt-get update -qq \
        && as_root apt-get install -qq --yes --no-install-recommends "${missing[@]}"
}
if ! install > "$log" 2>&1 < /dev/null; then
    cat "$log" >&2
    rm -f "$log"
    exit 1
fi
rm -f "$log"
if [[ " ${missing[*]} " == *" prometheus "* ]] && command -v systemctl > /dev/null; then
    as_root systemctl disable --quiet prometheus.service > /dev/null 2>&1 || true
fi
