package astertest

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"
)

var errRecover = errors.New("astertest: the signature is malformed")

// recoverSigner is the address, in lower case, of the key that signed text for
// the chain.
func recoverSigner(text, signature string, chainID int64) (string, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(raw) != 65 || raw[64] != 27 && raw[64] != 28 {
		return "", errRecover
	}
	compact := append([]byte{raw[64]}, raw[:64]...)
	key, _, err := ecdsa.RecoverCompact(compact, digest(text, chainID))
	if err != nil {
		return "", errRecover
	}
	return "0x" + hex.EncodeToString(hash(key.SerializeUncompressed()[1:])[12:]), nil
}

// digest is what an EIP-712 wallet signs for Message(string msg) in the
// venue's domain.
func digest(text string, chainID int64) []byte {
	word := make([]byte, 32)
	binary.BigEndian.PutUint64(word[24:], uint64(chainID)) //nolint:gosec // checked to be positive
	domain := hash(
		hash([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)")),
		hash([]byte("AsterSignTransaction")), hash([]byte("1")), word, make([]byte, 32),
	)
	message := hash(hash([]byte("Message(string msg)")), hash([]byte(text)))
	return hash([]byte("\x19\x01"), domain, message)
}

func hash(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
