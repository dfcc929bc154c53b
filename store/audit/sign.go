package audit

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"

	"github.com/ballast-go/ballast/store"
)

// ErrSignature says that a document is not signed by the key.
var ErrSignature = errors.New("audit: not signed by this key")

const signatureWord = "ballast-signature"

// NewKey makes an Ed25519 key pair as PEM: PKCS #8 and PKIX, as OpenSSL writes
// them too. Keep the private one where the database's administrator cannot
// read it.
func NewKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: key: %w", err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: key: %w", err)
	}
	open, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, fmt.Errorf("audit: key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: open}), nil
}

var errKey = errors.New("audit: key: must be an Ed25519 key in PEM")

// ParsePrivateKey reads a private key of NewKey. The error quotes nothing.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("%w, PRIVATE KEY", errKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w, PRIVATE KEY", errKey)
	}
	return key, nil
}

// ParsePublicKey reads a public key of NewKey.
func ParsePublicKey(text []byte) (ed25519.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("%w, PUBLIC KEY", errKey)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	key, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, fmt.Errorf("%w, PUBLIC KEY", errKey)
	}
	return key, nil
}

// Sign is a file of checkpoints that ends in a signature of all lines before:
//
//	ballast-signature v1 ed25519 BASE64
func Sign(key ed25519.PrivateKey, checkpoints []store.Checkpoint) ([]byte, error) {
	if len(key) != ed25519.PrivateKeySize {
		return nil, errKey
	}
	var b bytes.Buffer
	if err := WriteCheckpoints(&b, checkpoints); err != nil {
		return nil, err
	}
	signature := ed25519.Sign(key, b.Bytes())
	fmt.Fprintf(&b, "%s %s ed25519 %s\n", signatureWord, formatVersion, base64.StdEncoding.EncodeToString(signature))
	return b.Bytes(), nil
}

// VerifySignature reads a file that Sign wrote, as a whole: its last line is
// the signature of every byte before. The error is ErrSignature when the key
// did not sign it.
func VerifySignature(key ed25519.PublicKey, document []byte) ([]store.Checkpoint, error) {
	if len(key) != ed25519.PublicKeySize {
		return nil, errKey
	}
	body := bytes.TrimSuffix(document, []byte("\n"))
	start := bytes.LastIndexByte(body, '\n') + 1
	prefix := []byte(signatureWord + " " + formatVersion + " ed25519 ")
	text, ok := bytes.CutPrefix(body[start:], prefix)
	if !ok {
		return nil, fmt.Errorf("%w: the last line is no signature", ErrSignature)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(string(text))
	if err != nil || !ed25519.Verify(key, document[:start], signature) {
		return nil, ErrSignature
	}
	return ReadCheckpoints(bytes.NewReader(document[:start]))
}
