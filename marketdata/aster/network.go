package aster

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/ballast-go/ballast/internal/httpx"
)

// Network is one venue: its hosts and the chain id that its signatures name.
// They belong together, so that no order signed for one is sent to the other.
// The addresses have no slash at the end.
type Network struct {
	Name         string // for logs; the venue never sees it
	REST         string // https, or http to loopback
	MarketStream string // wss, or ws to loopback
	UserStream   string // wss, or ws to loopback
	ChainID      int64  // in the EIP-712 domain, > 0
}

// Mainnet is where money is real.
func Mainnet() Network {
	return Network{
		Name: "mainnet", REST: "https://fapi.asterdex.com", ChainID: 1666,
		MarketStream: "wss://fstream.asterdex.com", UserStream: "wss://fstream.asterdex.com",
	}
}

// Testnet is the venue's test exchange. Its market and user streams have
// different hosts.
func Testnet() Network {
	return Network{
		Name: "testnet", REST: "https://fapi.asterdex-testnet.com", ChainID: 714,
		MarketStream: "wss://fstream5.asterdex-testnet.com", UserStream: "wss://fstream.asterdex-testnet.com",
	}
}

// ParseNetwork knows mainnet and testnet.
func ParseNetwork(name string) (Network, error) {
	for _, n := range [...]Network{Mainnet(), Testnet()} {
		if n.Name == name {
			return n, nil
		}
	}
	return Network{}, fmt.Errorf("aster: network must be mainnet or testnet, was %.40q", name)
}

func (n Network) validate() error {
	var problems []error
	if n.Name == "" {
		problems = append(problems, errors.New("Network.Name must be set"))
	}
	for _, address := range [...]struct{ field, text, scheme string }{
		{"REST", n.REST, "http"}, {"MarketStream", n.MarketStream, "ws"}, {"UserStream", n.UserStream, "ws"},
	} {
		if err := validateAddress(address.text, address.scheme); err != nil {
			problems = append(problems, fmt.Errorf("Network.%s %w", address.field, err))
		}
	}
	if n.ChainID <= 0 {
		problems = append(problems, fmt.Errorf("Network.ChainID must be positive, was %d", n.ChainID))
	}
	return errors.Join(problems...)
}

// validateAddress never shows what it refuses: it may hold a password.
func validateAddress(text, scheme string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || u.Opaque != "":
		return fmt.Errorf("must be an address like %ss://host", scheme)
	case u.Scheme != scheme+"s" && (u.Scheme != scheme || !httpx.IsLoopback(u.Hostname())):
		return fmt.Errorf("must have the scheme %ss unless its host is loopback", scheme)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return errors.New("must not hold a user, a query or a fragment")
	case strings.HasSuffix(text, "/"):
		return errors.New("must not end in a slash")
	}
	return nil
}
