# Sourced by frontend/quickstart and tests/run: installs what packages.txt lists and this machine lacks.

step() { printf '\n== %s\n' "$*"; }

package_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

package_offered() { apt-cache show "$1" >/dev/null 2>&1; }

# Prints one line "alternative|alternative" for each needed package of which no alternative is installed.
missing_packages() {
  local scope names name
  while read -r scope names; do
    case " $* " in *" $scope "*) ;; *) continue ;; esac
    for name in ${names//|/ }; do
      package_installed "$name" && continue 2
    done
    echo "$names"
  done < <(grep -v '^#' frontend/install/packages.txt)
}

# install_packages SCOPE...: does nothing, and takes no time, when all is there.
install_packages() {
  local missing names name chosen=() as_root=()
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then
    step "All packages are installed"
    return
  fi
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { echo "These packages are missing; install them as root: $missing" >&2; exit 1; }
    as_root=(sudo)
  fi
  local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  step "Installing packages:" $missing
  "${apt[@]}" update
  for names in $missing; do
    for name in ${names//|/ }; do
      if package_offered "$name"; then
        chosen+=("$name")
        continue 2
      fi
    done
    echo "No package source of this machine offers $names" >&2
    exit 1
  done
  "${apt[@]}" install -y --no-install-recommends "${chosen[@]}"
}
