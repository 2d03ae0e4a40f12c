#!/usr/bin/env bash
# Installs the identity providers that run.ts tries the gateway against: Keycloak from Maven Central into .cache here, SimpleSAMLphp from Debian's packages. Needs
# Java 17 or later and Maven, and root, or sudo without a password, for what of the packages is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
keycloak=$1

packages=()
command -v java >/dev/null || packages+=(default-jre-headless)
command -v mvn >/dev/null || packages+=(maven)
command -v unzip >/dev/null || packages+=(unzip)
command -v chromium >/dev/null || packages+=(chromium)
# Its own dependencies name a web server, which is not needed: PHP serves it.
[ -d /usr/share/simplesamlphp/www ] || packages+=(simplesamlphp)
command -v php >/dev/null && php -m | grep -qx dom && php -m | grep -qx mbstring || packages+=(php-cli php-xml php-mbstring)
if [ ${#packages[@]} -gt 0 ]; then
  echo "Installing ${packages[*]} from Debian's packages …" >&2
  as_root=()
  [ "$(id -u)" = 0 ] || as_root=(sudo -n)
  "${as_root[@]}" apt-get -q update >/dev/null
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends "${packages[@]}" >/dev/null; then
    echo "error: Debian's packages could not be installed" >&2
    echo "fix: sudo apt-get install --no-install-recommends ${packages[*]}" >&2
    exit 1
  fi
fi

if [ ! -x ".cache/keycloak-$keycloak/bin/kc.sh" ]; then
  echo "Fetching Keycloak $keycloak from Maven Central (180 MB) …" >&2
  mkdir -p .cache
  mvn -q -B dependency:copy "-Dartifact=org.keycloak:keycloak-quarkus-dist:$keycloak:zip" "-DoutputDirectory=$PWD/.cache" >&2
  unzip -q -o ".cache/keycloak-quarkus-dist-$keycloak.zip" -d .cache
  rm ".cache/keycloak-quarkus-dist-$keycloak.zip"
fi
