package aster

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"github.com/ballast-go/ballast/secret"
)

// AgentConfig is an agent wallet (the venue calls it API wallet) that the main
// wallet has approved.
type AgentConfig struct {
	// Key is the agent's private key, 64 hexadecimal digits with or without
	// 0x. Never the main wallet's, which can withdraw. Required.
	Key secret.Value
	// User is the main wallet's address, for calls that the venue wants it
	// in. Mixed case is taken as an EIP-55 checksum. Default not sent.
	User    string
	ChainID int64 // of the Network; default Mainnet's
}

// Agent signs by EIP-712 for APIV3. It is safe for concurrent use, and its
// nonces are unique within it: give no two processes the same agent.
type Agent struct {
	key     *secp256k1.PrivateKey
	address string
	user    string
	domain  [32]byte
	chainID int64
	nonces  nonces
}

var _ Signer = (*Agent)(nil)

// NewAgent checks the configuration; the error joins all its problems and
// shows nothing of the key.
func NewAgent(cfg AgentConfig) (*Agent, error) {
	if cfg.ChainID == 0 {
		cfg.ChainID = Mainnet().ChainID
	}
	key, keyErr := parseKey(cfg.Key)
	user, userErr := parseUser(cfg.User)
	var chainErr, mainErr error
	if cfg.ChainID < 0 {
		chainErr = fmt.Errorf("ChainID must be positive, was %d", cfg.ChainID)
	}
	a := &Agent{key: key, user: user, chainID: cfg.ChainID}
	if keyErr == nil {
		a.address = addressOf(key.PubKey())
		if user == a.address {
			mainErr = errors.New("Key must be the agent's and is the one of User, the main wallet")
		}
	}
	if err := errors.Join(keyErr, userErr, chainErr, mainErr); err != nil {
		return nil, fmt.Errorf("aster: agent: %w", err)
	}
	a.domain = domainSeparator(cfg.ChainID)
	return a, nil
}

// API is APIV3.
func (a *Agent) API() API { return APIV3 }

// Address is the agent's, 0x and 40 hexadecimal digits with the checksum of
// EIP-55.
func (a *Agent) Address() string { return a.address }

// String names the agent by its address.
func (a *Agent) String() string { return "agent " + a.address }

// GoString is String, for %#v.
func (a *Agent) GoString() string { return a.String() }

// Sign adds nonce, user, signer and signature, in this order.
func (a *Agent) Sign(params string, now time.Time) (Signed, error) {
	text := appendParam(params, "nonce", strconv.FormatInt(a.nonces.next(now), 10))
	if a.user != "" {
		text += "&user=" + a.user
	}
	text += "&signer=" + a.address
	return Signed{Params: text + "&signature=" + a.signature(text)}, nil
}

// rewind lets nonces follow a clock that was measured anew.
func (a *Agent) rewind(now time.Time) { a.nonces.rewind(now) }

// signature is r, s and v of the text's digest, deterministic by RFC 6979.
func (a *Agent) signature(text string) string {
	digest := messageDigest(&a.domain, text)
	compact := ecdsa.SignCompact(a.key, digest[:], false) // v first
	var out [2 + 2*65]byte
	copy(out[:], "0x")
	hex.Encode(out[2:], compact[1:])
	hex.Encode(out[2+2*64:], compact[:1])
	return string(out[:])
}

func parseKey(key secret.Value) (*secp256k1.PrivateKey, error) {
	if key.IsZero() {
		return nil, errors.New("Key must be set")
	}
	text := key.Reveal()
	if strings.HasPrefix(text, "0x") || strings.HasPrefix(text, "0X") {
		text = text[2:]
	}
	raw, err := hex.DecodeString(text)
	if err != nil || len(raw) != 32 {
		return nil, errors.New("Key must be 64 hexadecimal digits") // err would quote the key
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(raw); overflow || scalar.IsZero() {
		return nil, errors.New("Key must be between 1 and the order of secp256k1")
	}
	return secp256k1.NewPrivateKey(&scalar), nil
}

func parseUser(text string) (string, error) {
	if text == "" {
		return "", nil
	}
	digits, found := strings.CutPrefix(text, "0x")
	raw, err := hex.DecodeString(digits)
	if !found || err != nil || len(raw) != 20 {
		return "", fmt.Errorf("User must be an address, 0x and 40 hexadecimal digits, was %.60q", text)
	}
	address := checksummed(raw)
	if digits != strings.ToLower(digits) && digits != strings.ToUpper(digits) && text != address {
		return "", fmt.Errorf("User %s is mistyped: its checksum does not match", text)
	}
	return address, nil
}

// addressOf is the last 20 bytes of the hash of the public key's point.
func addressOf(key *secp256k1.PublicKey) string {
	hash := keccak(key.SerializeUncompressed()[1:])
	return checksummed(hash[12:])
}

// checksummed writes an address by EIP-55: a letter is capital where the hash
// of the lower-case digits has a digit of 8 or more.
func checksummed(raw []byte) string {
	out := []byte(hex.EncodeToString(raw))
	hash := keccak(out)
	for i, digit := range out {
		if nibble := hash[i/2] >> (4 * (1 - i%2)) & 15; digit >= 'a' && nibble >= 8 {
			out[i] = digit - 'a' + 'A'
		}
	}
	return "0x" + string(out)
}

func domainSeparator(chainID int64) [32]byte {
	typeHash := keccak([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"))
	name, version := keccak([]byte("AsterSignTransaction")), keccak([]byte("1"))
	var chain, contract [32]byte // the contract is the zero address
	binary.BigEndian.PutUint64(chain[24:], uint64(chainID))
	return keccak(typeHash[:], name[:], version[:], chain[:], contract[:])
}

func messageDigest(domain *[32]byte, text string) [32]byte {
	typeHash, content := keccak([]byte("Message(string msg)")), keccak([]byte(text))
	message := keccak(typeHash[:], content[:])
	return keccak([]byte{0x19, 0x01}, domain[:], message[:])
}

func keccak(parts ...[]byte) (sum [32]byte) {
	hash := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		_, _ = hash.Write(part) // a hash.Hash never fails
	}
	hash.Sum(sum[:0])
	return sum
}
