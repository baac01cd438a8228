/* The main program of a fuzz target that is built without libFuzzer: calls the target once with no bytes, then with
 * each file named on the command line, or found in a folder named there. Inputs that once crashed are replayed so. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes of a file; the caller frees them. Each input gets a block of its exact size, so that a sanitizer sees a
 * read past its end. */
static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  struct stat about;
  if (!file || fstat(fileno(file), &about)) {
    perror(path);
    exit(2);
  }
  uint8_t *data = malloc((size_t)about.st_size + !about.st_size);
  *size = data ? fread(data, 1, (size_t)about.st_size, file) : 0;
  fclose(file);
  if (!data || *size != (size_t)about.st_size) {
    fprintf(stderr, "%s: cannot be read\n", path);
    exit(2);
  }
  return data;
}

static void replay_file(const char *path) {
  size_t size;
  uint8_t *data = read_file(path, &size);
  LLVMFuzzerTestOneInput(data, size);
  free(data);
}

static size_t replay_folder(const char *path, DIR *folder) {
  size_t count = 0;
  char name[4096];
  for (struct dirent *entry; (entry = readdir(folder));) {
    if (entry->d_name[0] == '.') continue;
    snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
    replay_file(name);
    count++;
  }
  return count;
}

int main(int argc, char **argv) {
  size_t count = 1;
  LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
  for (int i = 1; i < argc; i++) {
    DIR *folder = opendir(argv[i]);
    if (folder) {
      count += replay_folder(argv[i], folder);
      closedir(folder);
    } else {
      replay_file(argv[i]);
      count++;
    }
  }
  printf("%zu inputs replayed\n", count);
  return 0;
}
