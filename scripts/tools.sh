# The programs that tests and checks use and pip does not bring. Sourced after environment.sh.
#
#   use_tools chromium postgresql node proxies examples
#
# Each is used where it is there already, whatever brought it; otherwise Debian's package is taken.

use_tools() {
    lacking=
    for tool in "$@"; do
        case $tool in
        chromium)
            command -v chromium >/dev/null || lacking="$lacking chromium"
            playwright_starts || lacking="$lacking libatomic1"
            ;;
        postgresql) has_postgresql || lacking="$lacking postgresql" ;;
        node)
            command -v node >/dev/null || lacking="$lacking nodejs"
            command -v npm >/dev/null || lacking="$lacking npm"
            ;;
        proxies)
            # Where Debian puts them, which is not in everybody's PATH. Only this Squid can open TLS.
            [ -x /usr/sbin/nginx ] || lacking="$lacking nginx"
            [ -x /usr/sbin/haproxy ] || lacking="$lacking haproxy"
            [ -x /usr/sbin/apache2 ] || lacking="$lacking apache2-bin"
            [ -x /usr/lib/squid/security_file_certgen ] || lacking="$lacking squid-openssl"
            ;;
        examples)
            # What runs docs/examples/tickets. Debian has no .NET: that example is run where somebody has put it.
            command -v php >/dev/null || lacking="$lacking php-cli"
            command -v javac >/dev/null || lacking="$lacking default-jdk-headless"
            ;;
        esac
    done
    # Unquoted on purpose: one word for each package.
    [ -z "$lacking" ] || install_packages "What the tests run against" $lacking
    case " $* " in *" node "*) use_node_packages ;; esac
}

# Playwright drives the browser through a program in its package, which needs this of the system.
playwright_starts() {
    for driver in "$venv"/lib/python*/site-packages/playwright/driver/node; do
        "$driver" --version >/dev/null 2>&1 && return
    done
    return 1
}

# The server's own programs: Debian keeps them out of PATH, by version.
has_postgresql() {
    command -v initdb >/dev/null && return
    for initdb in /usr/lib/postgresql/*/bin/initdb; do
        [ -x "$initdb" ] && return
    done
    return 1
}

# TypeScript, which checks the page's types; and what tests use: ical.js, which reads our calendars, and an OpenID
# Connect provider to sign in with. Nothing of it is served.
use_node_packages() {
    [ -f "$root/package-lock.json" ] || return 0
    cmp -s "$root/package-lock.json" "$root/node_modules/.installed-lock" && return
    say "Installing what checks the page's types, calendars and sign-in, as locked in package-lock.json ..."
    (cd "$root" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error </dev/null >&2) ||
        fail "" "The packages could not be installed; above is what npm said."
    cp "$root/package-lock.json" "$root/node_modules/.installed-lock"
}
