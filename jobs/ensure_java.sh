#!/bin/sh
# Is there a JDK or JRE 17 or newer? If not: say how to get one, or, as root on Debian/Ubuntu with INSTALL_JAVA=1, get it.
set -eu

java_major() {
    "${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p'
}

good_enough() {
    major=$(java_major 2>/dev/null || true)
    [ "${major:-0}" -ge 17 ]
}

good_enough && exit 0
if [ "${INSTALL_JAVA:-0}" = 1 ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing a Java runtime ..."
    apt-get update -qq
    for package in openjdk-17-jre-headless openjdk-21-jre-headless default-jre-headless; do
        apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 && good_enough && exit 0
    done
fi
echo "Spark needs Java 17 or newer, found ${major:-none}. Install it: 'sudo apt-get install openjdk-17-jre-headless' on Debian/Ubuntu, 'sudo dnf install java-17-openjdk-headless' on Fedora, 'brew install openjdk@17' on macOS; or set JAVA_HOME." >&2
exit 1
