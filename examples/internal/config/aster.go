package config

import (
	"net/url"
	"strings"

	"github.com/ballast-go/ballast/marketdata/aster"
	"github.com/ballast-go/ballast/secret"
)

// Aster is how the AsterDEX exchange is asked. Each comment names the
// variable, its rule and its default.
type Aster struct {
	// Network is ASTERDEX_NETWORK, mainnet or testnet; default mainnet.
	// ASTERDEX_BASE_URL takes the place of its address, and ASTERDEX_WS_URL of
	// those of its streams: https and wss, or http and ws to loopback. Its
	// name then is the host of ASTERDEX_BASE_URL.
	Network aster.Network

	SignerKey secret.Value // ASTERDEX_SIGNER_KEY, of an agent wallet, for V3; default none
	User      string       // ASTERDEX_USER, the main wallet's address; default not sent
	APIKey    secret.Value // ASTERDEX_API_KEY, for V1; default none
	APISecret secret.Value // ASTERDEX_API_SECRET, beside ASTERDEX_API_KEY

	Workers       int // WORKER_THREADS, assets worked on at once, 1–64; default 4
	MaxConcurrent int // MAX_CONCURRENT_REQUESTS, requests under way, 1–200; default 10
}

// Signs reports whether there are keys. SignerKey goes before APIKey.
func (a Aster) Signs() bool { return !a.SignerKey.IsZero() || !a.APIKey.IsZero() }

// Signer signs by the keys; nil: there are none.
func (a Aster) Signer() (aster.Signer, error) {
	switch {
	case !a.SignerKey.IsZero():
		return a.agent()
	case !a.APIKey.IsZero():
		return a.hmac()
	}
	return nil, nil //nolint:nilnil // no signer is what a client of public data has
}

func (a Aster) agent() (*aster.Agent, error) {
	return aster.NewAgent(aster.AgentConfig{Key: a.SignerKey, User: a.User, ChainID: a.Network.ChainID})
}

func (a Aster) hmac() (*aster.HMAC, error) {
	return aster.NewHMAC(aster.HMACConfig{Key: a.APIKey, Secret: a.APISecret})
}

func (r *reader) aster() Aster {
	a := Aster{
		Network:   r.network(),
		SignerKey: secret.New(r.text("ASTERDEX_SIGNER_KEY")), User: r.text("ASTERDEX_USER"),
		APIKey: secret.New(r.text("ASTERDEX_API_KEY")), APISecret: secret.New(r.text("ASTERDEX_API_SECRET")),
		Workers:       r.whole("WORKER_THREADS", 4, 1, 64),
		MaxConcurrent: r.whole("MAX_CONCURRENT_REQUESTS", 10, 1, 200),
	}
	switch {
	case a.APIKey.IsZero() && !a.APISecret.IsZero():
		r.problem("ASTERDEX_API_SECRET needs ASTERDEX_API_KEY: set both or none")
	case !a.APIKey.IsZero() && a.APISecret.IsZero():
		r.problem("ASTERDEX_API_KEY needs ASTERDEX_API_SECRET: set both or none")
	case !a.APIKey.IsZero():
		_, err := a.hmac()
		r.renamed(err, map[string]string{"Key": "ASTERDEX_API_KEY", "Secret": "ASTERDEX_API_SECRET"})
		if !a.SignerKey.IsZero() {
			r.warnings = append(r.warnings, "ASTERDEX_API_KEY is not used: ASTERDEX_SIGNER_KEY signs")
		}
	}
	switch {
	case !a.SignerKey.IsZero():
		_, err := a.agent()
		r.renamed(err, map[string]string{"Key": "ASTERDEX_SIGNER_KEY", "User": "ASTERDEX_USER"})
	case a.User != "":
		r.problem("ASTERDEX_USER needs ASTERDEX_SIGNER_KEY, the key of its agent wallet")
	}
	return a
}

// renamed reports the problems of a library's configuration under the names of
// the variables that its fields were read from.
func (r *reader) renamed(err error, names map[string]string) {
	if err == nil {
		return
	}
	for text := range strings.SplitSeq(err.Error(), "\n") {
		for _, prefix := range []string{"aster: ", "agent: ", "hmac: "} {
			text = strings.TrimPrefix(text, prefix)
		}
		field, rule, _ := strings.Cut(text, " ")
		if name := names[field]; name != "" {
			text = name + " " + rule
		}
		for field, name := range names { // "the one of User, the main wallet"
			text = strings.ReplaceAll(text, " of "+field+",", " of "+name+",")
		}
		r.problem("%s", text)
	}
}

func (r *reader) network() aster.Network {
	network, err := aster.ParseNetwork(r.textOr("ASTERDEX_NETWORK", aster.Mainnet().Name))
	if err != nil {
		_, rule, _ := strings.Cut(err.Error(), "network ")
		r.problem("ASTERDEX_NETWORK %s", rule)
		network = aster.Mainnet()
	}
	if value := r.address("ASTERDEX_BASE_URL", func(n *aster.Network, to string) { n.REST = to }); value != "" {
		network.REST = value
		if u, err := url.Parse(value); err == nil {
			network.Name = u.Host
		}
	}
	if value := r.address("ASTERDEX_WS_URL", func(n *aster.Network, to string) { n.MarketStream, n.UserStream = to, to }); value != "" {
		network.MarketStream, network.UserStream = value, value
	}
	return network
}

// address is checked by the rules of the client that would use it, and empty
// when it is absent or bad. A slash at its end is left out.
func (r *reader) address(name string, set func(*aster.Network, string)) string {
	value := strings.TrimSuffix(r.text(name), "/")
	if value == "" {
		return ""
	}
	network := aster.Mainnet()
	set(&network, value)
	_, err := aster.New(aster.Config{Network: network})
	if err == nil {
		return value
	}
	first, _, _ := strings.Cut(err.Error(), "\n")
	rule := first
	if _, field, found := strings.Cut(first, "Network."); found {
		_, rule, _ = strings.Cut(field, " ")
	}
	r.problem("%s %s, was %.80q", name, rule, redacted(value))
	return ""
}
