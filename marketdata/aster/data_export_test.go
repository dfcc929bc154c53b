package aster

import (
	"time"

	"github.com/shopspring/decimal"

	"github.com/ballast-go/ballast/marketdata"
)

// ClosedKlines decodes an answer of klines, asked for at now.
func ClosedKlines(body []byte, interval marketdata.Interval, now time.Time) ([]marketdata.Candle, error) {
	var k klines
	if err := decode(body, &k); err != nil {
		return nil, err
	}
	series, err := k.closed(interval, span{until: now, sent: now, received: now, surely: now})
	return series.Candles(), err
}

// DecodeTickers decodes an answer of ticker/24hr for all symbols.
func DecodeTickers(body []byte) ([]Ticker, error) {
	var t table[tickerRow, *tickerRow]
	err := decode(body, &t)
	var out []Ticker
	for _, r := range t.rows {
		out = append(out, r.ticker())
	}
	return out, err
}

// DecodePremiums decodes an answer of premiumIndex for all symbols.
func DecodePremiums(body []byte) ([]Premium, error) {
	var t table[premiumRow, *premiumRow]
	err := decode(body, &t)
	var out []Premium
	for _, r := range t.rows {
		out = append(out, r.premium())
	}
	return out, err
}

// DecodeBook decodes an answer of depth.
func DecodeBook(body []byte) (Book, error) {
	var b one[bookRow, *bookRow]
	err := decode(body, &b)
	return Book{Bids: b.value.Bids, Asks: b.value.Asks}, err
}

// DecodeExchangeInfo decodes an answer of exchangeInfo.
func DecodeExchangeInfo(body []byte) (ExchangeInfo, error) {
	var a one[infoAnswer, *infoAnswer]
	err := decode(body, &a)
	return a.value.info(), err
}

// DecodePositions decodes an answer of positionRisk.
func DecodePositions(body []byte) ([]PositionRisk, error) {
	var r rows[positionRow, *positionRow]
	err := decode(body, &r)
	var out []PositionRisk
	for n := range r {
		out = append(out, r[n].position())
	}
	return out, err
}

// DecodeAccount decodes an answer of accountWithJoinMargin.
func DecodeAccount(body []byte) (AccountInfo, error) {
	var a one[accountRow, *accountRow]
	if err := decode(body, &a); err != nil {
		return AccountInfo{}, err
	}
	return a.value.info(), nil
}

// DecodeIncome decodes an answer of income.
func DecodeIncome(body []byte) ([]Income, error) {
	var r rows[incomeRow, *incomeRow]
	err := decode(body, &r)
	var out []Income
	for n := range r {
		out = append(out, r[n].income())
	}
	return out, err
}

// DecodeBrackets decodes an answer of leverageBracket.
func DecodeBrackets(body []byte) ([][]marketdata.Bracket, error) {
	var t table[bracketsRow, *bracketsRow]
	err := decode(body, &t)
	var out [][]marketdata.Bracket
	for _, r := range t.rows {
		out = append(out, r.brackets())
	}
	return out, err
}

// ReadAmount decodes one amount.
func ReadAmount(document []byte) (decimal.Decimal, error) {
	var a amount
	err := decode(document, &a)
	return a.value, err
}
