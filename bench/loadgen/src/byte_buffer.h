#pragma once

#include <cstdlib>
#include <cstring>

namespace loadgen {

// A queue of bytes: put in at the end, taken out at the front. Small ones give
// their memory back when they are empty, so that ten thousand connections cost
// what they have to say.
class ByteBuffer {
 public:
  ByteBuffer() = default;
  ~ByteBuffer() { free(bytes_); }
  ByteBuffer(const ByteBuffer&) = delete;
  ByteBuffer& operator=(const ByteBuffer&) = delete;

  const char* data() const { return bytes_ + begin_; }
  size_t size() const { return end_ - begin_; }

  // Room for at least `bytes` more behind the last one; Grew says how many of
  // them were filled.
  char* Space(size_t bytes) {
    if (capacity_ - end_ < bytes) MakeSpace(bytes);
    return bytes_ + end_;
  }
  size_t space() const { return capacity_ - end_; }
  void Grew(size_t bytes) { end_ += bytes; }

  char* Append(const char* bytes, size_t length) {
    char* at = Space(length);
    if (length > 0) memcpy(at, bytes, length);
    end_ += length;
    return at;
  }

  void Consume(size_t bytes) {
    begin_ += bytes;
    if (begin_ == end_) Empty();
  }

  void Clear() { Consume(size()); }

 private:
  // What is larger is likely to be needed again, and costly to get.
  static constexpr size_t kKeptBytes = 1 << 20;

  void Empty() {
    begin_ = end_ = 0;
    if (capacity_ >= kKeptBytes) return;
    free(bytes_);
    bytes_ = nullptr;
    capacity_ = 0;
  }

  // Moves the rest to the front only where that is little work, otherwise
  // doubles: a large message is moved once.
  void MakeSpace(size_t bytes) {
    const size_t used = size();
    if (begin_ > 0) {
      memmove(bytes_, bytes_ + begin_, used);
      begin_ = 0;
      end_ = used;
    }
    if (capacity_ - end_ >= bytes) return;
    size_t wanted = capacity_ * 2;
    if (wanted < used + bytes) wanted = used + bytes;
    char* grown = static_cast<char*>(realloc(bytes_, wanted));
    if (grown == nullptr) abort();
    bytes_ = grown;
    capacity_ = wanted;
  }

  char* bytes_ = nullptr;
  size_t begin_ = 0;
  size_t end_ = 0;
  size_t capacity_ = 0;
};

}  // namespace loadgen
