# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# clients.sh - what real clients do to the decoys (sourced after lab.sh, by run-lab and by the tests).
#
# In:  a running lab. Out: conversations; each function prints nothing where its client got what a proxy's user expects, else a line,
# and returns not 0. Every function says in its comment which rows it must leave. Targets are names and addresses that do not exist
# (RFC 2606, RFC 5737): nothing is ever resolved or relayed.

V4=198.18
V6=2001:db8:18::

# one access each: http/web web.example:80, http/tunnel shop.example:443, socks4 203.0.113.80:80, socks4a, socks5 (address), socks5 (name)
clients_curl() {
    in_client curl -sS -m 10 -o /dev/null -x http://$V4.0.1:3128 http://web.example/page || return
    in_client curl -sS -m 10 -o /dev/null -p -x http://$V4.0.2:8080 http://connect.example:8000/ || return
    in_client curl -sS -m 10 -o /dev/null --socks4 $V4.0.3:1080 http://203.0.113.80/ || return
    in_client curl -sS -m 10 -o /dev/null --socks4a $V4.0.4:1080 http://four-a.example/ || return
    in_client curl -sS -m 10 -o /dev/null --socks5 $V4.0.5:1080 http://203.0.113.85/ || return
    in_client curl -sS -m 10 -o /dev/null --socks5-hostname $V4.0.6:1080 http://five-h.example/ || return
    in_client curl -sS -m 10 -o /dev/null --proxy-user alice:secret-word -x socks5h://$V4.0.7:1080 http://with-password.example/ || return
    in_client curl -sS -m 10 -o /dev/null --proxy-user bob:other-word -x http://$V4.0.8:8080 http://basic.example/
}
# sensor decoy -> protocol|relay_host|relay_port|class|depth
CLIENTS_CURL_ROWS="198.18.0.1|3128|http|web.example|80|web|request
198.18.0.2|8080|http|connect.example|8000|tunnel|inner
198.18.0.3|1080|socks4|203.0.113.80|80|web|inner
198.18.0.4|1080|socks4a|four-a.example|80|web|inner
198.18.0.5|1080|socks5|203.0.113.85|80|web|inner
198.18.0.6|1080|socks5|five-h.example|80|web|inner
198.18.0.7|1080|socks5|with-password.example|80|web|inner
198.18.0.8|8080|http|basic.example|80|web|request"

# wget, urllib: one access each
clients_wget_urllib() {
    in_client env http_proxy=http://$V4.1.1:8080 wget -q -T 10 -t 1 -O /dev/null http://wget.example/ || return
    in_client python3 -c "
import urllib.request
opener = urllib.request.build_opener(urllib.request.ProxyHandler({'http': 'http://$V4.1.2:3128'}))
assert opener.open('http://urllib.example/', timeout=10).status == 200"
}
CLIENTS_WGET_URLLIB_ROWS="198.18.1.1|8080|http|wget.example|80|web|request
198.18.1.2|3128|http|urllib.example|80|web|request"

# ncat with each proxy type: says a line within the tunnel
clients_ncat() {
    for type in http:2.1:8080 socks4:2.2:1080 socks5:2.3:1080; do
        rest=${type#*:}
        printf 'hello in the tunnel\r\n' | in_client timeout 10 ncat -w 3 --proxy "$V4.${rest%:*}:${rest#*:}" --proxy-type "${type%%:*}" \
            203.0.113.7 7000 >/dev/null 2>&1
    done
    return 0
}
CLIENTS_NCAT_ROWS="198.18.2.1|8080|http|203.0.113.7|7000|tunnel|inner
198.18.2.2|1080|socks4|203.0.113.7|7000|tunnel|inner
198.18.2.3|1080|socks5|203.0.113.7|7000|tunnel|inner"

# a mail through SOCKS5 by proxychains4 and swaks; one direct by swaks; one through CONNECT by smtplib over a hand-made tunnel
clients_mail() {
    chains=$LAB_DIRECTORY/proxychains.conf
    printf 'strict_chain\nproxy_dns\n[ProxyList]\nsocks5 %s.3.1 1080\n' $V4 >"$chains"
    in_client proxychains4 -q -f "$chains" swaks --timeout 20 --server 203.0.113.25 --from sender@swaks.example --to one@victim.example,two@victim.example \
        --helo tunnel.example --header 'Subject: through a tunnel' --body 'a line
.a line that begins with a dot
the end' >"$LAB_DIRECTORY/swaks-tunnel.log" 2>&1 || { cat "$LAB_DIRECTORY/swaks-tunnel.log"; return 1; }
    in_client swaks --timeout 20 --server $V4.3.2 --from direct@swaks.example --to relay@victim.example --helo direct.example \
        --header 'Subject: =?UTF-8?B?5Zuu44GL44KJ?=' --body 'direct' >"$LAB_DIRECTORY/swaks-direct.log" 2>&1 ||
        { cat "$LAB_DIRECTORY/swaks-direct.log"; return 1; }
    in_client python3 -c "
import smtplib, socket
class Tunnel(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        s = socket.create_connection(('$V4.3.3', 8080), timeout)
        s.sendall(b'CONNECT mx.victim.example:25 HTTP/1.1\r\nHost: mx.victim.example:25\r\n\r\n')
        got = b''
        while not got.endswith(b'\r\n\r\n'):
            got += s.recv(1)
        assert got.startswith(b'HTTP/1.1 200 '), got
        return s
with Tunnel('mx.victim.example', 25, timeout=20) as smtp:
    smtp.sendmail('lib@smtplib.example', ['three@victim.example'], 'Subject: from smtplib\r\n\r\nbody\r\n')"
}
CLIENTS_MAIL_ROWS="198.18.3.1|1080|socks5|203.0.113.25|25|mail|data
198.18.3.2|25|smtp|||mail|data
198.18.3.3|8080|http|mx.victim.example|25|mail|data"
CLIENTS_MAIL_MAILS="198.18.3.1|203.0.113.25|25|f|t|sender@swaks.example|through a tunnel|2
198.18.3.2|||t|t|direct@swaks.example|囮から|1
198.18.3.3|mx.victim.example|25|f|t|lib@smtplib.example|from smtplib|1"

# IPv6: the same decoys by their other family
clients_ipv6() {
    in_client curl -sS -m 10 -o /dev/null -x "http://[${V6}1]:3128" http://six.example/ || return
    in_client curl -sS -m 10 -o /dev/null --socks5-hostname "[${V6}2]:1080" http://six-socks.example/ || return
    in_client swaks --timeout 20 --server ${V6}3 --from six@swaks.example --to six@victim.example --header 'Subject: over six' \
        >"$LAB_DIRECTORY/swaks-six.log" 2>&1
}
CLIENTS_IPV6_ROWS="2001:db8:18::1|3128|http|six.example|80|web|request
2001:db8:18::2|1080|socks5|six-socks.example|80|web|inner
2001:db8:18::3|25|smtp|||mail|data"

# the host's own address is a decoy too; its port 22 is its own
clients_own() {
    in_client curl -sS -m 10 -o /dev/null -x http://192.0.2.1:8080 http://own.example/ || return
    got=$(in_client timeout 5 ncat --recv-only 192.0.2.1 22 | tr -d '\r')
    [ "$got" = SSH-2.0-own-service ] || { echo "the host's own port 22 answered '$got'"; return 1; }
}
CLIENTS_OWN_ROWS="192.0.2.1|8080|http|own.example|80|web|request"

# nested: CONNECT within SOCKS5 within SOCKS5, by proxychains4
clients_nested() {
    chains=$LAB_DIRECTORY/nested.conf
    printf 'strict_chain\nproxy_dns\n[ProxyList]\nsocks5 %s.4.1 1080\nhttp 203.0.113.128 3128\n' $V4 >"$chains"
    in_client proxychains4 -q -f "$chains" curl -sS -m 10 -o /dev/null http://203.0.113.99/
}
CLIENTS_NESTED_ROWS="198.18.4.1|1080|socks5|203.0.113.128|3128|tunnel|inner"
