package wire

import "strconv"

// APIError is the server's refusal. The public packages have an APIError of their own with the same fields.
type APIError struct {
	Code        int    `json:"code"`
	ErrCode     uint16 `json:"err_code"`
	Description string `json:"description,omitempty"`
}

// Error says all there is. Users see the texts of the public packages, not this one.
func (e *APIError) Error() string {
	return "API error " + strconv.Itoa(int(e.ErrCode)) + " (" + strconv.Itoa(e.Code) + "): " + e.Description
}

// Envelope is what every answer of the API has in common.
type Envelope struct {
	Type  string    `json:"type"`
	Error *APIError `json:"error,omitempty"`
}

// Page is the paging of an answer that lists names or infos. Limit is the most entries of a page.
type Page struct {
	Total  int `json:"total"`
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

// Error codes of nats-server 2.15 that the client itself makes or acts on.
const (
	ErrCodeNotEnabled           = 10076
	ErrCodeNotEnabledForAccount = 10039
	ErrCodeConsumerNotFound     = 10014
	ErrCodeMessageNotFound      = 10037
	ErrCodeStreamNameInUse      = 10058
	ErrCodeStreamNotFound       = 10059

	ErrCodeMessageTooLarge           = 10054
	ErrCodeWrongLastMsgID            = 10070
	ErrCodeWrongLastSequence         = 10071
	ErrCodeWrongLastSequenceConstant = 10164 // the same, of a replicated stream
	ErrCodeRollupFailed              = 10111
	ErrCodeDuplicateInProcess        = 10158 // a message with this id is not replicated yet
)
