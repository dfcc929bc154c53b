package astertest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	nonceWindow   = 10 * time.Second
	nonceMemory   = 100
	defaultWindow = 5000 // recvWindow, ms
	maxWindow     = 60_000
)

// agent is an API wallet and the nonces that it used last, ascending.
type agent struct {
	Agent
	account *account
	nonces  []int64
}

type key struct {
	Key
	account *account
}

// authenticate finds the account of a request, or says why not.
func (e *Exchange) authenticate(c *call, auth auth) error {
	if strings.HasPrefix(c.path, "/fapi/v3/") {
		return e.authenticateV3(c)
	}
	return e.authenticateV1(c, auth == signed)
}

// splitSignature is the text that was signed and the signature, which must be
// the last parameter.
func splitSignature(text string) (message, signature string, err error) {
	at := strings.LastIndex(text, "signature=")
	if at < 0 {
		return "", "", errMandatory("signature")
	}
	signature = text[at+len("signature="):]
	if strings.Contains(signature, "&") || at > 0 && text[at-1] != '&' {
		return "", "", errSignature()
	}
	return strings.TrimSuffix(text[:at], "&"), signature, nil
}

func (e *Exchange) authenticateV3(c *call) error {
	for _, name := range [...]string{"signer", "nonce"} {
		if !c.has(name) {
			return errMandatory(name)
		}
	}
	message, signature, err := splitSignature(c.query + c.body)
	if err != nil {
		return err
	}
	signer := strings.ToLower(c.text("signer"))
	recovered, err := recoverSigner(message, signature, e.cfg.ChainID)
	if err != nil || recovered != signer {
		return errSignature()
	}
	a := e.agents[signer]
	now := e.signingTime()
	if a == nil || !a.Expires.IsZero() && !now.Before(a.Expires) {
		return errPermission()
	}
	if user := c.text("user"); user != "" && !strings.EqualFold(user, a.account.wallet) {
		return errPermission()
	}
	if err := allowed(a.IPs, c.ip); err != nil {
		return err
	}
	if err := a.spend(c.text("nonce"), now); err != nil {
		return err
	}
	if !a.account.deposited {
		return fail(-5050, "This function can only be used after deposit")
	}
	c.account, c.readOnly = a.account, a.ReadOnly
	return nil
}

// spend takes a nonce that is within the window, new and, once a hundred are
// remembered, above the least of them.
func (a *agent) spend(text string, now time.Time) error {
	nonce, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errMandatory("nonce")
	}
	if distance := nonce - now.UnixMicro(); distance > nonceWindow.Microseconds() || distance < -nonceWindow.Microseconds() {
		return fail(-4225, "Nonce Expired")
	}
	at, used := slices.BinarySearch(a.nonces, nonce)
	if used {
		return fail(-4225, "Nonce Duplicate")
	}
	if len(a.nonces) == nonceMemory {
		if at == 0 {
			return fail(-4225, "Nonce Expired")
		}
		a.nonces = slices.Delete(a.nonces, 0, 1)
		at--
	}
	a.nonces = slices.Insert(a.nonces, at, nonce)
	return nil
}

func (e *Exchange) authenticateV1(c *call, signed bool) error {
	if c.key == "" {
		if c.has("signer") { // an agent's request has come to the wrong interface
			return errPermission()
		}
		return &apiError{status: 401, code: -2014, message: "API-key format invalid."}
	}
	k := e.keys[c.key]
	if k == nil {
		return errPermission()
	}
	if err := allowed(k.IPs, c.ip); err != nil {
		return err
	}
	c.account, c.readOnly = k.account, k.ReadOnly
	if !signed {
		return nil
	}
	if !c.has("timestamp") {
		return errMandatory("timestamp")
	}
	message, signature, err := splitSignature(c.query + c.body)
	if err != nil {
		return err
	}
	if !signedBy(k.Secret, message, signature) {
		return errSignature()
	}
	return e.timely(c)
}

func signedBy(secret, message, signature string) bool {
	given, err := hex.DecodeString(signature)
	if err != nil {
		return false
	}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return hmac.Equal(given, mac.Sum(nil))
}

// timely checks timestamp and recvWindow.
func (e *Exchange) timely(c *call) error {
	sent, err := c.integer("timestamp", 0, 0, maxMillis)
	if err != nil {
		return err
	}
	window, err := c.integer("recvWindow", defaultWindow, 0, maxWindow)
	if err != nil {
		return err
	}
	now := e.signingTime().UnixMilli()
	if sent >= now+1000 {
		return fail(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
	}
	if now-sent > window {
		return fail(-1021, "Timestamp for this request is outside of the recvWindow.")
	}
	return nil
}

func allowed(prefixes []netip.Prefix, ip netip.Addr) error {
	if len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) }) {
		return nil
	}
	return &apiError{status: 401, code: -1011, message: "This IP cannot access this route."}
}
