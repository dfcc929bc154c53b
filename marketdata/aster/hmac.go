package aster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/ballast-go/ballast/secret"
)

// HMACConfig is a key pair of before March 2026; the venue makes no new ones.
type HMACConfig struct {
	Key    secret.Value // sent in a header; required
	Secret secret.Value // signs; required
	// RecvWindow is how old a request may be when it arrives, whole
	// milliseconds from 1 ms to 60 s. Default 5 s.
	RecvWindow time.Duration
}

// HMAC signs by HMAC-SHA256 for APIV1. It is safe for concurrent use.
type HMAC struct {
	key, secret secret.Value
	window      string // in milliseconds
}

var _ Signer = (*HMAC)(nil)

const (
	defaultRecvWindow = 5 * time.Second
	maxRecvWindow     = 60 * time.Second
	keyHeader         = "X-MBX-APIKEY"
)

// NewHMAC checks the configuration; the error joins all its problems and shows
// nothing of the keys.
func NewHMAC(cfg HMACConfig) (*HMAC, error) {
	if cfg.RecvWindow == 0 {
		cfg.RecvWindow = defaultRecvWindow
	}
	problems := []error{
		validateSecret("Key", cfg.Key), validateSecret("Secret", cfg.Secret),
		validateDuration("RecvWindow", cfg.RecvWindow, time.Millisecond, maxRecvWindow),
	}
	if cfg.RecvWindow%time.Millisecond != 0 {
		problems = append(problems, fmt.Errorf("RecvWindow must be whole milliseconds, was %v", cfg.RecvWindow))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("aster: hmac: %w", err)
	}
	return &HMAC{key: cfg.Key, secret: cfg.Secret, window: strconv.FormatInt(cfg.RecvWindow.Milliseconds(), 10)}, nil
}

func validateSecret(field string, value secret.Value) error {
	if value.IsZero() {
		return fmt.Errorf("%s must be set", field)
	}
	for _, r := range value.Reveal() {
		if r <= ' ' || r > '~' {
			return fmt.Errorf("%s must be printable ASCII without spaces", field)
		}
	}
	return nil
}

// API is APIV1.
func (h *HMAC) API() API { return APIV1 }

// Sign adds recvWindow, timestamp and signature, in this order, and the header
// with the key.
func (h *HMAC) Sign(params string, now time.Time) (Signed, error) {
	text := appendParam(params, "recvWindow", h.window) + "&timestamp=" + strconv.FormatInt(now.UnixMilli(), 10)
	header := http.Header{}
	header.Set(keyHeader, h.key.Reveal())
	return Signed{Params: text + "&signature=" + h.signature(text), Header: header}, nil
}

func (h *HMAC) signature(text string) string {
	mac := hmac.New(sha256.New, []byte(h.secret.Reveal()))
	_, _ = mac.Write([]byte(text)) // a hash.Hash never fails
	return hex.EncodeToString(mac.Sum(nil))
}
